//! Who may do what, and what gives it away. Each trial has people and a client address of its own, where it would else
//! use up another one's limits or end another one's sessions.

mod back;
mod cookies;
mod csrf;
mod enumeration;
mod headers;
mod hostile;
mod matrix;
mod next;
mod operations;
mod owner;
mod password;
mod session;
mod spelling;
mod stage;
mod token;

use crate::{
    observation::{Auth, Seen},
    running::RunningStack,
};

use owner::Owner;
use stage::{Groups, Stage};

/// Makes all trials, most of them at once. Those that cannot be made say why.
pub async fn observe(running: &RunningStack) -> Seen<Auth> {
    let stage = Stage::new(running)?;
    let stage = &stage;
    let mut auth = Auth::default();
    let mut keep = |names: &[&str], seen: Seen<Groups>| match seen {
        Ok(groups) => auth.groups.extend(groups.0.into_iter().map(|(name, rows)| (name, Ok(rows)))),
        Err(why) => auth.groups.extend(names.iter().map(|name| ((*name).to_owned(), Err(why.clone())))),
    };
    let sessions = async {
        tokio::join!(
            session::revoked(stage),
            session::expired(stage),
            session::idle(stage),
            session::everywhere(stage),
            session::password_change(stage),
            session::fixation(stage),
        )
    };
    let forms = async {
        tokio::join!(csrf::observe(stage), next::observe(stage), hostile::pages(stage), hostile::api(stage))
    };
    // Times are taken where little else is done: before and beside what mostly waits.
    let times = enumeration::observe(stage);
    let (owned, tokens, sessions, forms, cookies, times, hashes) = tokio::join!(
        of_the_owner(stage),
        token::observe(stage),
        sessions,
        forms,
        cookies::observe(stage),
        times,
        password::observe(stage),
    );
    for (names, seen) in owned {
        keep(names, seen);
    }
    keep(token::GROUPS, tokens);
    keep(&["session.revoked"], sessions.0);
    keep(&["session.expired"], sessions.1);
    keep(&["session.idle"], sessions.2);
    keep(&["session.everywhere"], sessions.3);
    keep(&["session.password_change"], sessions.4);
    keep(&["session.fixation"], sessions.5);
    keep(csrf::GROUPS, forms.0);
    keep(&[next::GROUP], forms.1);
    keep(&[hostile::PAGES], forms.2);
    keep(&[hostile::API], forms.3);
    auth.cookies = Some(cookies);
    match times {
        Ok((answers, times)) => (auth.answers, auth.times) = (answers, times),
        Err(why) => {
            for door in ["api", "web"] {
                auth.answers.insert(door.into(), Err(why.clone()));
                auth.times.insert(door.into(), Err(why.clone()));
            }
        }
    }
    auth.hashes = Some(hashes);
    Ok(auth)
}

/// The trials that are about one person's things.
async fn of_the_owner(stage: &Stage<'_>) -> Vec<(&'static [&'static str], Seen<Groups>)> {
    let owner = match stage.client(10).await {
        Ok(client) => Owner::new(stage, &client, "ada").await,
        Err(why) => Err(why),
    };
    let mut owner = match owner {
        Ok(owner) => owner,
        Err(why) => {
            let all = [matrix::GROUPS, headers::GROUPS, back::GROUPS];
            return all.map(|names| (names, Err(why.clone()))).into();
        }
    };
    let (headers, back) = tokio::join!(headers::observe(stage, &owner), back::observe(stage, &owner));
    let matrix = matrix::observe(stage, &mut owner).await;
    vec![(matrix::GROUPS, matrix), (headers::GROUPS, headers), (back::GROUPS, back)]
}
