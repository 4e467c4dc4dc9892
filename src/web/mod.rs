//! stub
use crate::error::Result;
use crate::operations::Service;
use std::net::SocketAddr;
pub fn serve(_: Service, _: &str, _: impl FnOnce(SocketAddr)) -> Result<()> {
    Ok(())
}
