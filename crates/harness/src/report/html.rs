//! The report as a page: one file, no script, nothing fetched.

use std::fmt::Write;

use super::Report;
use crate::verdict::{Outcome, Verdict};

/// Light and dark, narrow and wide.
const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--pass:#2e7d4f;--fail:#c62828;--unknown:#b26a00;--skipped:#777;--bar:#4878a8}\
@media(prefers-color-scheme:dark){:root{--pass:#6fcf97;--fail:#ff8a80;--unknown:#ffc46b;--skipped:#aaa;--bar:#7fb0e0}}\
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;padding:1.5rem;max-width:75rem}\
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}\
p{margin:.3rem 0}code{overflow-wrap:anywhere}code,pre{font:13px/1.45 ui-monospace,monospace}\
pre{overflow-x:auto;border:1px solid var(--line);border-radius:6px;padding:.7rem}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;\
border-bottom:1px solid var(--line)}td:first-child{white-space:nowrap;font-weight:600}\
.pass{color:var(--pass)}.fail{color:var(--fail)}.unknown{color:var(--unknown)}.skipped{color:var(--skipped)}\
.claim{display:block}.seen{opacity:.75;overflow-wrap:anywhere}.wide{overflow-x:auto}svg{width:100%;height:auto}summary{cursor:pointer;font-size:1.1rem;font-weight:700;margin-top:1.5rem}svg text{font:12px system-ui;fill:currentColor}\
@media(max-width:40rem){td:nth-child(3),th:nth-child(3){display:none}svg{min-width:36rem}body{padding:1rem}}";

/// The timeline's row height, the left edge of its bars, and its width, in SVG units.
const ROW: usize = 24;
const LEFT: usize = 110;
const WIDTH: usize = 900;

/// The page.
pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    let (class, word) = match report.exit_code {
        0 => ("pass", "passed"),
        3 => ("unknown", "could not tell"),
        4 => ("fail", "never came up"),
        _ => ("fail", "failed"),
    };
    let _ = write!(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Shakedown: {word}</title><style>{STYLE}</style><h1 class={class}>The gate {word}</h1><p>{}</p>\
         <p>Run <code>{}</code> of {} on {}{}, {:.1} s in all, packages from {}.</p>",
        counts(report),
        escape(&report.run),
        escape(&report.started_at),
        escape(&report.runner),
        report.engine.as_ref().map(|version| format!(" (engine {})", escape(version))).unwrap_or_default(),
        seconds(report.duration_ms),
        escape(&report.package_source.name),
    );
    failure(&mut page, report);
    timeline(&mut page, report);
    verdicts(&mut page, "What did not pass", true, report, |verdict| verdict.verdict != Outcome::Pass);
    let mut kinds: Vec<&str> = report.verdicts.iter().map(kind).collect();
    kinds.dedup();
    for name in kinds {
        verdicts(&mut page, &format!("{name}, passed"), false, report, |verdict| {
            verdict.verdict == Outcome::Pass && kind(verdict) == name
        });
    }
    let _ = write!(page, "<h2>Container images</h2><table>");
    for (name, digest) in &report.images {
        let _ = write!(page, "<tr><td>{}<td><code>{}</code>", escape(name), escape(digest));
    }
    page.push_str("</table></html>\n");
    page
}

fn counts(report: &Report) -> String {
    let words = [
        (Outcome::Pass, "pass", "passed"),
        (Outcome::Fail, "fail", "failed"),
        (Outcome::Unknown, "unknown", "unknown"),
        (Outcome::Skipped, "skipped", "skipped"),
    ];
    let told = words
        .map(|(outcome, class, word)| format!("<span class={class}>{} {word}</span>", report.count(outcome)));
    let not_asked_for = match report.not_asked_for {
        0 => String::new(),
        count => format!(" · {count} not asked for"),
    };
    told.join(" · ") + not_asked_for.as_str()
}

fn failure(page: &mut String, report: &Report) {
    let Some(failure) = &report.bring_up.failure else { return };
    let _ = write!(
        page,
        "<h2 class=fail>`{}` never came up</h2><p><code>{}</code>: {}; {}</p>",
        escape(&failure.service),
        escape(&failure.defined_at.to_string()),
        escape(&failure.last_seen),
        escape(&failure.state),
    );
    if let Some(cause) = &failure.likely_cause {
        let _ = write!(page, "<p>Likely cause: <strong>{}</strong></p>", escape(cause));
    }
    let _ = write!(page, "<pre>{}</pre>", escape(&failure.log.join("\n")));
}

/// Bring-up as bars: from each instance's start to its readiness; the critical path is drawn full.
fn timeline(page: &mut String, report: &Report) {
    let services = &report.bring_up.services;
    let total = report.bring_up.total_ms.max(1);
    let place = |ms: u64| {
        LEFT + usize::try_from(ms).unwrap_or(0) * (WIDTH - LEFT - 70) / usize::try_from(total).unwrap_or(1)
    };
    let height = services.len() * ROW + 4;
    let _ = write!(
        page,
        "<h2>Bring-up: {:.1} s</h2><div class=wide><svg viewBox=\"0 0 {WIDTH} {height}\" role=img aria-label=\"When each service started and \
         was ready\">",
        seconds(report.bring_up.total_ms)
    );
    for (row, (instance, timing)) in services.iter().enumerate() {
        let y = row * ROW + 4;
        let text = y + 13;
        let _ = write!(page, "<text x=0 y={text}>{}</text>", escape(instance));
        let Some(started) = timing.started_ms else {
            let _ = write!(page, "<text x={LEFT} y={text}>not started</text>");
            continue;
        };
        let (from, to) = (place(started), place(timing.ready_ms.unwrap_or(total)));
        let (fill, opacity) = match timing.ready_ms {
            None => ("var(--fail)", "1"),
            Some(_) if report.bring_up.critical_path.contains(instance) => ("var(--bar)", "1"),
            Some(_) => ("var(--bar)", ".45"),
        };
        let width = to.saturating_sub(from).max(3);
        let took =
            timing.ready_ms.map_or_else(|| "never ready".into(), |ready| format!("{} ms", ready - started));
        let _ = write!(
            page,
            "<rect x={from} y={y} width={width} height=16 rx=3 fill=\"{fill}\" opacity={opacity} />\
             <text x={} y={text}>{took}</text>",
            from + width + 6
        );
    }
    page.push_str(
        "</svg></div><p class=seen>Full bars are the critical path: what the whole had to wait for.</p>",
    );
}

fn verdicts(page: &mut String, title: &str, open: bool, report: &Report, wanted: impl Fn(&Verdict) -> bool) {
    let wanted: Vec<&Verdict> = report.verdicts.iter().filter(|verdict| wanted(verdict)).collect();
    if wanted.is_empty() {
        return;
    }
    let open = if open { " open" } else { "" };
    let _ = write!(
        page,
        "<details{open}><summary>{} ({})</summary><table><tr><th><th>Check<th>Took",
        escape(title),
        wanted.len()
    );
    for verdict in wanted {
        let class = match verdict.verdict {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Unknown => "unknown",
            Outcome::Skipped => "skipped",
        };
        let _ = write!(
            page,
            "<tr><td class={class}>{class}<td><code>{}</code><span class=claim>{}</span><span class=seen>{}",
            escape(&verdict.check),
            escape(&verdict.claim),
            escape(&verdict.actual)
        );
        if verdict.verdict != Outcome::Pass {
            let _ = write!(page, "<br>expected: {}", escape(&verdict.expected));
        }
        if let Some(reason) = &verdict.reason {
            let _ = write!(page, "<br>because: {}", escape(reason));
        }
        let _ = write!(page, "</span><td>{:.1} s", seconds(verdict.duration_ms));
    }
    page.push_str("</table></details>");
}

fn kind(verdict: &Verdict) -> &str {
    verdict.check.split('.').next().unwrap_or_default()
}

fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}

/// Text as HTML shows it: what services say is not to be trusted, not even here.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn what_a_service_says_is_shown_as_text() {
        let mut report = report();
        report.verdicts[1].actual = "<script>alert(1)</script>".into();
        let page = page(&report);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert"), "{page}");
    }

    #[test]
    fn a_page_tells_the_counts_and_what_did_not_pass_first() {
        let page = page(&report());
        let (failed, passed) = (page.find("smoke.login").unwrap(), page.find("health.ready.api").unwrap());
        assert!(failed < passed);
        assert!(page.contains("1 failed"), "{page}");
    }
}
