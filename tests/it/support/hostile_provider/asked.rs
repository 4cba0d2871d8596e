//! What the house asks the provider, read off the line.

use std::collections::HashMap;
use std::io::Read;

/// Path, `Authorization` and body of one question.
pub(super) fn question(line: &mut impl Read) -> Option<(String, String, String)> {
    let mut read = Vec::new();
    let mut piece = [0; 4_096];
    let head_end = loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match line.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&piece[..count]),
        }
    };
    let head = String::from_utf8_lossy(&read[..head_end]).into_owned();
    let header = |name: &str| {
        let found = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        found
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap_or(0);
    while read.len() < head_end + length {
        match line.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&piece[..count]),
        }
    }
    let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
    let body = String::from_utf8_lossy(&read[head_end..head_end + length]).into_owned();
    Some((path, header("authorization"), body))
}

/// What a form or a query says.
pub fn form(text: &str) -> HashMap<String, String> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                b'+' => bytes.push(b' '),
                b'%' if rest.len() >= 2 => {
                    let code = std::str::from_utf8(&rest[..2]).expect("two digits");
                    bytes.push(u8::from_str_radix(code, 16).expect("two digits"));
                    rest = &rest[2..];
                }
                other => bytes.push(*other),
            }
        }
        String::from_utf8(bytes).expect("UTF-8")
    };
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}
