//! The policies as dated data: parameters with their clauses, and the reading of every policy file.
//!
//! Rules: no number of a policy is a constant in code; every complaint about a file names file, line and remedy. This
//! room lies below all slices and calls none of them; it knows no database and no clock.

pub mod clauses;
pub mod document;
pub mod files;
pub mod in_force;
pub mod order;
pub mod parameters;
pub mod period;
pub mod refusal;
pub mod settings;
pub mod source;
pub mod strictest;
pub mod value;

use std::collections::BTreeMap;

use chrono::NaiveDate;

pub use clauses::{Clause, ClauseId, Register};
pub use document::Document;
pub use files::{PolicyFile, PolicyFiles};
pub use in_force::InForce;
pub use period::{Period, PeriodUnit};
pub use refusal::Refusal;
pub use source::{Source, Strength};
pub use strictest::STRICTEST;
pub use value::Value;

use settings::Settings;

/// The file with the project's own choices, which is no profile.
const CHOICES: &str = "profiles/defaults.toml";

/// One parameter of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name, `group.parameter`.
    pub name: &'static str,
    /// What it says; `None` where only the organisation can say it.
    pub value: Option<Value>,
    /// The clauses it comes from, in the order of their sources; empty for a choice of this project alone.
    pub clauses: Vec<ClauseId>,
    /// Since when it holds; `None` for a source without a date.
    pub effective: Option<NaiveDate>,
    /// How well the origin of the value is known.
    pub strength: Strength,
    /// Keys of the sources that state it, also those that leave its number open.
    pub stated_by: Vec<String>,
    /// What the sources say beside the value.
    pub notes: Vec<String>,
}

/// All parameters in force under one choice of policy.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The key by which it is chosen.
    pub key: String,
    /// What people call it.
    pub name: String,
    parameters: BTreeMap<&'static str, Parameter>,
    settings: Settings,
}

impl Profile {
    fn new(key: &str, name: &str, parameters: BTreeMap<&'static str, Parameter>) -> Result<Self, Refusal> {
        match Settings::read(&parameters) {
            Ok(settings) => Ok(Self { key: key.to_owned(), name: name.to_owned(), parameters, settings }),
            Err(missing) => {
                let what = format!("under the profile \"{key}\" nothing says what {missing} is");
                Err(Refusal::of(&format!("policies/{CHOICES}"), what, format!("state {missing} there")))
            }
        }
    }

    /// The parameter with this name; `None` if nothing says anything about it.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name)
    }

    /// All parameters, by name.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.values()
    }

    /// The clauses that a parameter comes from; empty if it is unknown or a choice of this project.
    pub fn clauses(&self, name: &str) -> &[ClauseId] {
        self.parameters.get(name).map_or(&[], |parameter| &parameter.clauses)
    }

    /// The number of days that a parameter counted in days says, such as `pii.retention`.
    pub fn days(&self, name: &str) -> Option<u32> {
        match self.parameters.get(name)?.value {
            Some(Value::Period(Period { count, unit: PeriodUnit::Days })) => Some(count),
            _ => None,
        }
    }

    /// Rules for passwords.
    pub fn password(&self) -> &settings::Password {
        &self.settings.password
    }

    /// Rules for locking a password.
    pub fn lockout(&self) -> &settings::Lockout {
        &self.settings.lockout
    }

    /// Rules for a second factor.
    pub fn mfa(&self) -> &settings::Mfa {
        &self.settings.mfa
    }

    /// Rules for reviews.
    pub fn review(&self) -> &settings::Review {
        &self.settings.review
    }

    /// Rules for grants.
    pub fn grant(&self) -> &settings::Grant {
        &self.settings.grant
    }

    /// Rules for leavers.
    pub fn leaver(&self) -> &settings::Leaver {
        &self.settings.leaver
    }

    /// Rules for customers' personal data.
    pub fn pii(&self) -> &settings::Pii {
        &self.settings.pii
    }

    /// Rules for logs and records.
    pub fn log(&self) -> &settings::Log {
        &self.settings.log
    }

    /// Rules for incidents.
    pub fn incident(&self) -> &settings::Incident {
        &self.settings.incident
    }

    /// Rules for API keys.
    pub fn api_key(&self) -> &settings::ApiKey {
        &self.settings.api_key
    }

    /// Thresholds of alarms.
    pub fn alarm(&self) -> &settings::Alarm {
        &self.settings.alarm
    }
}

/// The register of clauses and every profile there is.
#[derive(Debug, Clone)]
pub struct Policies {
    /// The register of duties.
    pub clauses: Register,
    /// The sources as their files have them, the project's choices not among them.
    pub sources: Vec<Source>,
    profiles: BTreeMap<String, Profile>,
}

impl Policies {
    /// Reads register and profiles.
    ///
    /// # Errors
    /// Every refusal of the first kind of file that has any.
    pub fn load(files: &PolicyFiles) -> Result<Self, Vec<Refusal>> {
        let file = files.read("clauses.toml").map_err(|refusal| vec![refusal])?;
        let clauses = Register::parse(&file.name, &file.text)?;
        let read = |path: &str| {
            let file = files.read(path).map_err(|refusal| vec![refusal])?;
            Source::parse(&file.name, &file.text, &clauses).map(|source| (file.name, source))
        };
        let (_, choices) = read(CHOICES)?;
        let mut sources: Vec<Source> = Vec::new();
        let mut refusals = Vec::new();
        let paths = files.list("profiles").map_err(|refusal| vec![refusal])?;
        for path in paths.iter().filter(|path| *path != CHOICES) {
            match read(path) {
                Ok((name, source))
                    if source.key == STRICTEST || sources.iter().any(|one| one.key == source.key) =>
                {
                    let what = format!("the key \"{}\" is taken", source.key);
                    refusals.push(Refusal::of(&name, what, "give the profile a key of its own"));
                }
                Ok((_, source)) => sources.push(source),
                Err(found) => refusals.extend(found),
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let profiles = profiles(&sources, &choices).map_err(|refusal| vec![refusal])?;
        Ok(Self { clauses, sources, profiles })
    }

    /// The profile with this key.
    ///
    /// # Errors
    /// A refusal that names the nearest one there is.
    pub fn profile(&self, key: &str) -> Result<&Profile, Refusal> {
        self.profiles.get(key).ok_or_else(|| {
            let what = format!("there is no profile \"{}\"", key.escape_debug());
            Refusal::of("policies/profiles", what, refusal::did_you_mean(key, self.keys()))
        })
    }

    /// The keys of all profiles.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }
}

fn profiles(sources: &[Source], choices: &Source) -> Result<BTreeMap<String, Profile>, Refusal> {
    let strictest = Profile::new(STRICTEST, "The strictest of all", strictest::strictest(sources, choices))?;
    let mut profiles = BTreeMap::from([(strictest.key.clone(), strictest)]);
    for source in sources {
        let profile = Profile::new(&source.key, &source.name, strictest::alone(source, choices))?;
        profiles.insert(profile.key.clone(), profile);
    }
    Ok(profiles)
}
