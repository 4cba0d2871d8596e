//! The face towards browsers and callers: what is shared by every slice's `http.rs`.

pub mod pages;
