//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use harness::platform::RunnerKind;

/// Brings your stack up the way it would be deployed, tries it, judges it, and takes it down again.
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Exit codes:
    0  every check passed, or was skipped with a reason
    1  a check failed: its claim is false
    2  bad usage, or the definition is wrong
    3  could not tell: none failed, and a check is unknown or too few passed
    4  the stack never came up, or this machine is not fit
  130  interrupted; what the run owned is being removed

Begin with:  make gate";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the stack up in a fresh run, judge it by every check, take it down
    Gate(Gate),
    /// Bring the stack up for people to use, and leave it running
    Up(Up),
    /// Take down what `up` or `gate --keep` left running
    Down(Down),
    /// Show the logs of a running stack
    Logs(Logs),
    /// Print the resolved definition as JSON
    Config(Config),
    /// List every check and what it claims
    Checks(Checks),
    /// Make the secrets, the certificate and compose/.env that a checkout needs, where they are missing
    Init(Init),
    /// See whether this machine is fit, and what to do where it is not
    Doctor(Doctor),
    /// Measure bring-up, expiry, or what the stack does under load, as ratios
    Bench(Bench),
    /// Take pictures of the product's pages, from a fresh run in a real browser
    Screenshots(Screenshots),
    /// Hold two builds of the container images against each other, down to the first file that differs
    Compare(Compare),
    /// Load the container images into the engine, as `docker compose` wants them
    Load(ImagesArgs),
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct DefinitionArgs {
    /// Compose file; several are merged in order [default: compose/compose.yaml of this repository]
    #[arg(long = "file", short = 'f', value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Overlay merged over the files; may be given several times
    #[arg(long = "overlay", short = 'o', value_name = "FILE")]
    pub(crate) overlays: Vec<PathBuf>,
    /// Profile to enable; may be given several times
    #[arg(long = "profile", value_name = "NAME")]
    pub(crate) profiles: Vec<String>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ImagesArgs {
    /// Folder that `nix build .#images` made [default: result of this repository]
    #[arg(long, value_name = "DIR")]
    pub(crate) images: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunnerName {
    /// Docker, through testcontainers
    Containers,
    /// The images' programs as processes of this machine, without Docker; what only containers show is skipped
    Processes,
}

impl From<RunnerName> for RunnerKind {
    fn from(name: RunnerName) -> Self {
        match name {
            RunnerName::Containers => Self::Containers,
            RunnerName::Processes => Self::Processes,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Gate {
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
    #[command(flatten)]
    pub(crate) images: ImagesArgs,
    /// How to run the stack [default: containers, where an engine answers]
    #[arg(long, value_enum)]
    pub(crate) runner: Option<RunnerName>,
    /// Judge only this check, or all below it: `--only health --only smoke.wrong --only ttl.row`
    #[arg(long, value_name = "CHECK")]
    pub(crate) only: Vec<String>,
    /// Folder for report.html and report.json [default: target/shakedown/latest of this repository]
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Leave the stack running afterwards, to look at it
    #[arg(long)]
    pub(crate) keep: bool,
    /// Show every check, not only those that did not pass
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
    #[command(flatten)]
    pub(crate) images: ImagesArgs,
    /// How to run the stack; as processes it runs until Ctrl-C [default: containers, where an engine answers]
    #[arg(long, value_enum)]
    pub(crate) runner: Option<RunnerName>,
    /// Give the run this name, to have several side by side [default: dev]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Down {
    /// Take this run down [default: the one that `up` started]
    #[arg(long, value_name = "RUN", conflicts_with = "all")]
    pub(crate) run: Option<String>,
    /// Take down every run on this engine, those of gates that still work included
    #[arg(long)]
    pub(crate) all: bool,
    /// Remove the data in its volumes too
    #[arg(long)]
    pub(crate) volumes: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Logs {
    /// Services to show [default: all]
    pub(crate) services: Vec<String>,
    /// Of this run [default: the one that `up` started]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Only the last lines
    #[arg(long, value_name = "LINES")]
    pub(crate) tail: Option<usize>,
    /// Go on showing what comes, until Ctrl-C
    #[arg(long, short = 'F')]
    pub(crate) follow: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Config {
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
    #[command(flatten)]
    pub(crate) images: ImagesArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Checks {
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
    /// As the Markdown page that docs/checks.md is
    #[arg(long)]
    pub(crate) markdown: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// How soon the stack is up, against what it could be at best and against starting one by one
    BringUp,
    /// How long the gate of expiry takes, against what it has to wait for
    Expiry,
    /// Api, pages and worker under load, and twice of what they sustain
    Load,
    /// How a backlog of expired outputs is swept, and what a hundred times as many cost
    Sweep,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Bench {
    /// What to measure
    #[arg(value_enum, default_value = "bring-up")]
    pub(crate) subject: Subject,
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
    #[command(flatten)]
    pub(crate) images: ImagesArgs,
    /// How often to measure bring-up or expiry; the median counts
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// The program that makes the load; `make bench` installs it
    #[arg(long, value_name = "FILE", default_value = "oha")]
    pub(crate) oha: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Screenshots {
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
    #[command(flatten)]
    pub(crate) images: ImagesArgs,
    /// Folder for the pictures [default: docs/screens of this repository]
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) definition: DefinitionArgs,
    #[command(flatten)]
    pub(crate) images: ImagesArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Compare {
    /// Folder that `nix build .#images` made
    pub(crate) one: PathBuf,
    /// Another such folder
    pub(crate) other: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
