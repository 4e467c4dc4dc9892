//! The pages, and the same for programs: HTTP in, one operation called, HTML or JSON out.
