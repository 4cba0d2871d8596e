//! The three that are compared, each with the same rows and the same questions: how long it loads, how much memory it
//! takes, how long a question and a change take.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::str::FromStr;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bailiwick::clock::Timestamp;
use bailiwick::decision::rows::{GrantState, SubjectRow};
use bailiwick::decision::{Freshness, Index};
use casbin::{CoreApi, DefaultModel, Enforcer, MgmtApi};
use cedar_policy::{
    Authorizer, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};

use crate::town::{self, Asked, House, Town, now, quantiles, resident, username};

const MODEL: &str = include_str!("../../../policies/model.conf");
/// How many changes are timed where one takes microseconds, and where it takes long.
const CHANGES: usize = 2_000;
const FEW_CHANGES: usize = 10;

/// What one engine took.
pub fn measure(engine: &str, rows: usize, grants: usize) -> Value {
    let town = Town {
        policy: town::policy(rows),
        applications: rows / 100,
        people: grants / town::GRANTS_PER_PERSON,
    };
    let (before, begun) = (resident(), Instant::now());
    let measured = match engine {
        "ours" => Measured::ours(&town, before, begun),
        "casbin" => Measured::casbin(&town, before, begun),
        "cedar" => Measured::cedar(&town, before, begun),
        other => panic!("there is no engine {other}"),
    };
    let Measured { mut times, mut changes, memory, load } = measured;
    let ((median, high), (change, _)) = (quantiles(&mut times), quantiles(&mut changes));
    json!({
        "engine": engine, "rows": rows, "grants": grants, "asked": times.len(),
        "median": nanos(median), "p99": nanos(high), "change": nanos(change),
        "load": nanos(load), "memory": memory,
    })
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

struct Measured {
    times: Vec<Duration>,
    changes: Vec<Duration>,
    /// In kilobytes.
    memory: usize,
    load: Duration,
}

/// The distinct questions and their answers by our index, which the others are held to.
fn questions(town: &Town) -> (Vec<Asked>, Vec<bool>) {
    let index = Index::default();
    index.publish(town.snapshot());
    let questions = town.questions(&index);
    let ask = |asked: &Asked| index.evaluate(now(), Freshness::Fresh, &asked.question()).permit();
    let answers = questions.iter().map(ask).collect();
    (questions, answers)
}

/// Asks so many of the questions, evenly chosen, and compares.
fn ask(town: &Town, sample: usize, permits: impl Fn(&Asked) -> (Duration, bool)) -> Vec<Duration> {
    let (questions, answers) = questions(town);
    let chosen = questions.iter().zip(answers).step_by(questions.len() / sample).take(sample);
    chosen
        .map(|(asked, expected)| {
            let (time, answer) = permits(asked);
            assert_eq!(answer, expected, "{} {} {}", asked.subject, asked.resource_type, asked.action);
            time
        })
        .collect()
}

/// The roles that count now.
fn counting(row: &SubjectRow) -> impl Iterator<Item = &str> {
    let counts = |state: GrantState, from: Timestamp, until: Option<Timestamp>| {
        state == GrantState::Active && from <= now() && until.is_none_or(|until| now() < until)
    };
    let grants =
        row.grants.iter().filter(move |grant| counts(grant.state, grant.valid_from, grant.expires_at));
    grants.map(|grant| grant.role.as_str())
}

impl Measured {
    fn ours(town: &Town, before: usize, begun: Instant) -> Self {
        let index = Index::default();
        index.publish(town.snapshot());
        let (load, memory) = (begun.elapsed(), resident().saturating_sub(before));
        let questions = town.questions(&index);
        let house = House::new();
        let (times, _) = town::timed(&index, &house, &questions);
        let mut chance = ChaCha8Rng::seed_from_u64(7);
        let changes = (0..CHANGES).map(|_| {
            let mut row = town.subject(town::pick(&mut chance, town.people));
            row.grants[0].state = GrantState::Suspended;
            let begun = Instant::now();
            index.publish((*index.snapshot()).clone().with_subject(&row));
            begun.elapsed()
        });
        Self { times, changes: changes.collect(), memory, load }
    }

    fn casbin(town: &Town, before: usize, begun: Instant) -> Self {
        let mut permissions = Vec::new();
        let mut links = Vec::new();
        for row in &town.policy.roles {
            let (role, domain) = (row.id(), &row.application);
            let allows = row.role.allows.iter().map(|rule| (&rule.feature, &rule.actions, "allow"));
            let denies = row.role.denies.iter().map(|rule| (&rule.feature, &rule.actions, "deny"));
            for (feature, actions, effect) in allows.chain(denies) {
                let line = |action: &String| {
                    [role.as_str(), domain, feature, action, effect].map(str::to_owned).to_vec()
                };
                permissions.extend(actions.iter().map(line));
            }
            let parent = |parent: &String| vec![role.clone(), format!("{domain}/{parent}"), domain.clone()];
            links.extend(row.role.inherits.iter().map(parent));
        }
        let link = |person: usize, role: &str| {
            let domain = role.split('/').next().unwrap_or_default();
            vec![username(person), role.to_owned(), domain.to_owned()]
        };
        for person in 0..town.people {
            let row = town.subject(person);
            let mut roles: Vec<&str> = counting(&row).collect();
            roles.sort_unstable();
            roles.dedup();
            links.extend(roles.into_iter().map(|role| link(person, role)));
        }
        let mut enforcer = at_once(async {
            let model = DefaultModel::from_str(MODEL).await?;
            let mut enforcer = Enforcer::new(model, ()).await?;
            enforcer.enable_auto_build_role_links(false);
            enforcer.add_policies(permissions).await?;
            enforcer.add_grouping_policies(links).await?;
            enforcer.build_role_links()?;
            Ok::<_, casbin::Error>(enforcer)
        })
        .expect("casbin takes the rows");
        let (load, memory) = (begun.elapsed(), resident().saturating_sub(before));
        let times = ask(town, (200_000 / town.policy_rows()).clamp(40, 1_000), |asked| {
            let (application, feature) = asked.resource_type.split_once('/').expect("both");
            let begun = Instant::now();
            let answer =
                enforcer.enforce((asked.subject.as_str(), application, feature, asked.action.as_str()));
            (begun.elapsed(), black_box(answer).expect("an answer"))
        });
        enforcer.enable_auto_build_role_links(true);
        let changes = (0..FEW_CHANGES).map(|number| {
            let new = link(number * (town.people / FEW_CHANGES), "app-0/role-0");
            let _ = at_once(enforcer.remove_grouping_policy(new.clone()));
            let begun = Instant::now();
            at_once(enforcer.add_grouping_policy(new)).expect("a new link");
            begun.elapsed()
        });
        Self { times, changes: changes.collect(), memory, load }
    }

    fn cedar(town: &Town, before: usize, begun: Instant) -> Self {
        let mut text = String::new();
        for row in &town.policy.roles {
            let allows = row.role.allows.iter().map(|rule| ("permit", &rule.feature, &rule.actions));
            let denies = row.role.denies.iter().map(|rule| ("forbid", &rule.feature, &rule.actions));
            for (effect, feature, actions) in allows.chain(denies) {
                for action in actions {
                    text += &format!(
                        "{effect}(principal in Role::\"{}\", action == Action::\"{action}\", \
                         resource == Feature::\"{}/{feature}\");\n",
                        row.id(),
                        row.application
                    );
                }
            }
        }
        let policies = PolicySet::from_str(&text).expect("cedar takes the policies");
        let uids = Uids::default();
        let roles = town.policy.roles.iter().map(|row| {
            let parents = row.role.inherits.iter().map(|key| format!("{}/{key}", row.application));
            Entity::new_no_attrs(uids.role(&row.id()), parents.map(|parent| uids.role(&parent)).collect())
        });
        let person = |person: usize| {
            let row = town.subject(person);
            let parents: HashSet<EntityUid> = counting(&row).map(|role| uids.role(role)).collect();
            Entity::new_no_attrs(uids.person(&username(person)), parents)
        };
        let all = roles.chain((0..town.people).map(person));
        let mut entities = Entities::from_entities(all, None).expect("cedar takes the entities");
        let (load, memory) = (begun.elapsed(), resident().saturating_sub(before));
        let authorizer = Authorizer::new();
        let times = ask(town, (2_000_000 / town.policy_rows()).clamp(200, 2_000), |asked| {
            let principal = uids.person(&asked.subject);
            let (action, resource) = (uids.action(&asked.action), uids.feature(&asked.resource_type));
            let begun = Instant::now();
            let context = cedar_policy::Context::empty();
            let request = Request::new(principal, action, resource, context, None).expect("a request");
            let answer = authorizer.is_authorized(&request, &policies, &entities).decision();
            (begun.elapsed(), black_box(answer) == Decision::Allow)
        });
        let mut changes = Vec::new();
        for number in 0..FEW_CHANGES.min(town.people) {
            let new = person(number);
            let begun = Instant::now();
            entities = entities.upsert_entities([new], None).expect("a new entity");
            changes.push(begun.elapsed());
        }
        Self { times, changes, memory, load }
    }
}

/// Cedar's names of things. The names of types are read once.
struct Uids(HashMap<&'static str, EntityTypeName>);

impl Default for Uids {
    fn default() -> Self {
        let names = ["Person", "Role", "Action", "Feature"];
        Self(names.map(|name| (name, EntityTypeName::from_str(name).expect("a type"))).into())
    }
}

impl Uids {
    fn of(&self, kind: &str, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.0[kind].clone(), EntityId::new(id))
    }

    fn person(&self, id: &str) -> EntityUid {
        self.of("Person", id)
    }

    fn role(&self, id: &str) -> EntityUid {
        self.of("Role", id)
    }

    fn action(&self, id: &str) -> EntityUid {
        self.of("Action", id)
    }

    fn feature(&self, id: &str) -> EntityUid {
        self.of("Feature", id)
    }
}

/// The result of work that never waits: casbin is async only for adapters that do.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

/// Everything that was measured, by rows, grants and engine.
pub type Table = BTreeMap<(usize, usize, &'static str), Value>;
