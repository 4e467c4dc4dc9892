//! QR codes for pages: their dark modules as one path, so that a page draws them without a style of its own.

use qrcode::{Color, EcLevel, QrCode};

/// A code.
pub struct Modules {
    /// Modules on a side, without the quiet zone.
    pub side: usize,
    dark: Vec<bool>,
}

/// The code of a text.
pub fn modules(text: &str) -> Result<Modules, qrcode::types::QrError> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)?;
    Ok(Modules { side: code.width(), dark: code.to_colors().into_iter().map(|color| color == Color::Dark).collect() })
}

impl Modules {
    /// Its dark modules, one unit each, as the `d` of an SVG path.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for (row, modules) in self.dark.chunks(self.side).enumerate() {
            let mut column = 0;
            for run in modules.chunk_by(|a, b| a == b) {
                if run.first() == Some(&true) {
                    path.push_str(&format!("M{column} {row}h{}v1h-{}z", run.len(), run.len()));
                }
                column += run.len();
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_once() {
        let code = modules("otpauth://totp/x?secret=ABC").unwrap();
        let drawn: usize = code.path().split('h').skip(1).step_by(2).map(|run| run.split('v').next().unwrap().parse::<usize>().unwrap()).sum();
        assert_eq!(drawn, code.dark.iter().filter(|dark| **dark).count());
        assert!(code.path().starts_with("M0 0h7v1h-7z"));
    }
}
