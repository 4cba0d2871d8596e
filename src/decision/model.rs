//! What `policies/model.conf` may say: the one language that the index is compiled from.
//!
//! Rules: the model is the referee's too, so that a change of it which the compiler does not follow must be refused
//! when it is loaded, never judged in two ways. The order of what the matcher joins is free; nothing else is. Pure;
//! calls `profile` for refusals.

use std::collections::{BTreeMap, BTreeSet};

use crate::profile::Refusal;

/// The model as it is shipped.
pub(super) const MODEL: &str = include_str!("../../policies/model.conf");

/// What each section must say.
const SECTIONS: [(&str, &str, &str); 4] = [
    ("request_definition", "r", "sub,dom,obj,act"),
    ("policy_definition", "p", "sub,dom,obj,act,eft"),
    ("role_definition", "g", "_,_,_"),
    ("policy_effect", "e", "some(where(p.eft==allow))&&!some(where(p.eft==deny))"),
];
/// What the matcher must join, in any order.
const MATCHER: [&str; 4] = ["r.dom==p.dom", "r.obj==p.obj", "r.act==p.act", "g(r.sub,p.sub,r.dom)"];

/// Refuses a model that says anything else than what is compiled.
///
/// # Errors
/// A refusal that names the first section that differs.
pub(super) fn check(text: &str) -> Result<(), Refusal> {
    let refuse = |section: &str, remedy: String| {
        let what = format!("[{section}] is not what the index is compiled from");
        Err(Refusal::of("model.conf", what, remedy))
    };
    let mut said = read(text)?;
    for (section, key, wanted) in SECTIONS {
        if said.remove(&(section.to_owned(), key.to_owned())).as_deref() != Some(wanted) {
            return refuse(section, format!("write {key} = {wanted}"));
        }
    }
    let matcher = said.remove(&("matchers".to_owned(), "m".to_owned())).unwrap_or_default();
    let joined: Vec<&str> = matcher.split("&&").collect();
    if joined.len() != MATCHER.len() || joined.into_iter().collect::<BTreeSet<_>>() != BTreeSet::from(MATCHER)
    {
        return refuse("matchers", format!("write m = {}", MATCHER.join(" && ")));
    }
    match said.into_keys().next() {
        Some((section, key)) => refuse(&section, format!("leave out {key}")),
        None => Ok(()),
    }
}

/// What each key of each section says, without blanks and comments.
fn read(text: &str) -> Result<BTreeMap<(String, String), String>, Refusal> {
    let mut said = BTreeMap::new();
    let mut section = String::new();
    for (number, line) in text.lines().enumerate() {
        let line: String =
            line.split('#').next().unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=') {
            let twice = said.insert((section.clone(), key.to_owned()), value.to_owned()).is_some();
            if twice {
                let what = format!("\"{key}\" of [{section}] is there twice");
                return Err(Refusal::at("model.conf", number + 1, what, "keep one of the two"));
            }
        } else if !line.is_empty() {
            let what = "the line is neither a section nor a definition";
            return Err(Refusal::at("model.conf", number + 1, what, "write KEY = DEFINITION"));
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_model_is_what_is_compiled() {
        assert_eq!(check(MODEL), Ok(()));
    }

    #[test]
    fn the_order_of_what_the_matcher_joins_is_free() {
        let turned =
            MODEL.replace("m = r.dom == p.dom && r.obj == p.obj", "m = r.obj==p.obj && r.dom == p.dom");
        assert_ne!(turned, MODEL);
        assert_eq!(check(&turned), Ok(()));
    }

    #[test]
    fn every_other_change_of_it_is_refused() {
        for (from, to) in [
            (" && r.act == p.act", ""),
            ("r.dom == p.dom", "r.dom == p.dom || r.dom == \"*\""),
            ("g(r.sub, p.sub, r.dom)", "g(r.sub, p.sub)"),
            ("g(r.sub, p.sub, r.dom)", "g(r.sub, p.sub, r.dom) && r.sub != p.obj"),
            (" && !some(where (p.eft == deny))", ""),
            ("g = _, _, _", "g = _, _"),
            ("g = _, _, _", "g = _, _, _\ng2 = _, _"),
            ("r = sub, dom, obj, act", "r = sub, obj, act"),
            ("p = sub, dom, obj, act, eft", "p = sub, dom, obj, act"),
            ("[matchers]", "[matchers]\nm = r.dom == p.dom"),
            ("[matchers]", "matchers"),
            ("[matchers]", "[constraint_definition]\nc = sod(a, b)\n[matchers]"),
        ] {
            let changed = MODEL.replace(from, to);
            assert_ne!(changed, MODEL, "{from}");
            assert!(check(&changed).is_err(), "{from} -> {to}");
        }
    }
}
