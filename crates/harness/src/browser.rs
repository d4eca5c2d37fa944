//! A real browser: headless Chromium, driven by its own chromedriver. Nothing of it outlives this process.

use std::{
    env, fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::json;
use thirtyfour::{
    BrowserCapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel,
    WebDriver, error::WebDriverError,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// chromedriver listens within this, or something is wrong.
const LISTENS_WITHIN: Duration = Duration::from_secs(10);
/// A page is loaded within this, or something is wrong.
const LOADED_WITHIN: Duration = Duration::from_secs(20);
/// The names that Chromium goes by.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// chromedriver in a process group that dies with whoever holds the other end of its standard input, SIGKILL included.
const UNTIL_INPUT_ENDS: &str = r#""$@" </dev/null & read -r _; kill -KILL 0"#;

/// The programs that a browser takes.
#[derive(Clone, Debug)]
pub struct Programs {
    chromium: PathBuf,
    chromedriver: PathBuf,
}

impl Programs {
    /// Looks for both on `PATH`; the error names what is missing, and how to get it.
    pub fn find() -> Result<Self, String> {
        let chromium = BROWSERS.iter().find_map(|name| on_path(name));
        match (chromium, on_path("chromedriver")) {
            (Some(chromium), Some(chromedriver)) => Ok(Self { chromium, chromedriver }),
            (chromium, _) => {
                let missing = if chromium.is_none() { "Chromium" } else { "chromedriver" };
                Err(format!(
                    "{missing} is not installed (on Debian: apt-get install chromium chromium-driver; `make bootstrap` \
                     does so as root)"
                ))
            }
        }
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Where a browser finds the stack, and whom it believes.
#[derive(Clone, Debug)]
pub struct Site {
    /// Scheme, host and port as people write them.
    pub origin: String,
    /// Where that is in truth, as `HOST:PORT`.
    pub address: String,
    /// SHA-256 of the public key of the one certificate that is trusted, in base64.
    pub trusted_key: String,
}

/// What a browser is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Whether pages may run scripts.
    pub scripts: bool,
    /// Whether the person likes it dark.
    pub dark: bool,
    /// Width and height of the page, in CSS pixels.
    pub size: (u32, u32),
}

/// A person's desk.
pub const WIDE: (u32, u32) = (1280, 900);
/// A person's hand.
pub const NARROW: (u32, u32) = (390, 844);

/// A chromedriver that runs. Browsers are opened by it.
#[derive(Debug)]
pub struct Driver {
    // Its standard input is what keeps it alive.
    child: Child,
    url: String,
    programs: Programs,
    site: Site,
    /// Profiles of browsers, one folder each.
    folder: PathBuf,
}

impl Driver {
    /// Starts chromedriver. Profiles go below `folder`, which the caller removes.
    pub async fn start(programs: Programs, site: Site, folder: &Path) -> Result<Self, String> {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", UNTIL_INPUT_ENDS, "sh"])
            .arg(&programs.chromedriver)
            .arg("--port=0")
            .process_group(0)
            // Chromium keeps a crash reporter's folder and caches at home.
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = Command::from(command).spawn().map_err(|error| format!("sh: {error}"))?;
        let output = child.stdout.take().ok_or("chromedriver has no standard output")?;
        let port = tokio::time::timeout(LISTENS_WITHIN, port_said(output)).await;
        let port = port.map_err(|_| format!("chromedriver named no port within {LISTENS_WITHIN:?}"))??;
        Ok(Self { child, url: format!("http://127.0.0.1:{port}"), programs, site, folder: folder.into() })
    }

    /// Opens a browser that knows nobody yet.
    pub async fn open(&self, name: &str, manner: Manner) -> Result<WebDriver, String> {
        let open = async {
            let driver = WebDriver::new(&self.url, self.capabilities(name, manner)?).await?;
            driver.set_page_load_timeout(LOADED_WITHIN).await?;
            resize(&driver, manner.size).await?;
            if manner.dark {
                let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
                driver.cdp().send_raw("Emulation.setEmulatedMedia", dark).await?;
            }
            Ok::<_, WebDriverError>(driver)
        };
        open.await.map_err(|error| format!("opening Chromium: {}", first_line(&error)))
    }

    fn capabilities(
        &self,
        name: &str,
        manner: Manner,
    ) -> Result<thirtyfour::ChromeCapabilities, WebDriverError> {
        let authority = self.site.origin.split_once("://").map_or("", |(_, authority)| authority);
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(&self.programs.chromium.display().to_string())?;
        for argument in [
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--lang=en",
            &format!("--user-data-dir={}", self.folder.join(name).display()),
            &format!("--host-resolver-rules=MAP {authority} {}", self.site.address),
            &format!("--ignore-certificate-errors-spki-list={}", self.site.trusted_key),
        ] {
            wanted.add_arg(argument)?;
        }
        // Chromium's own sandbox refuses to work for root.
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            wanted.add_arg("--no-sandbox")?;
        }
        // Few places give a container or a build more than 64 MB of /dev/shm.
        wanted.add_arg("--disable-dev-shm-usage")?;
        if !manner.scripts {
            let blocked = json!({ "profile.managed_default_content_settings.javascript": 2 });
            wanted.set_browser_option("prefs", blocked)?;
        }
        wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All)?;
        wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All)?;
        Ok(wanted)
    }

    /// Ends chromedriver and every browser that is still open.
    pub async fn stop(mut self) {
        drop(self.child.stdin.take());
        // The group kills itself; what is waited for here is only its end.
        let _ = tokio::time::timeout(LISTENS_WITHIN, self.child.wait()).await;
    }
}

/// Gives the page a size that no window's decoration takes away from.
pub async fn resize(driver: &WebDriver, (width, height): (u32, u32)) -> Result<(), WebDriverError> {
    let mobile = width < 600;
    let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
    driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await.map(drop)
}

/// chromedriver says on which port it listens, as it chose one itself.
async fn port_said(output: tokio::process::ChildStdout) -> Result<u16, String> {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let said = line.rsplit_once("on port ").map(|(_, port)| port.trim_end_matches('.'));
        // Its first line repeats the 0 that asked it to choose.
        if let Some(port) = said.and_then(|port| port.parse().ok()).filter(|port| *port != 0) {
            // Nobody reads on: it must not block on a full pipe, nor die of a closed one.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port);
        }
    }
    Err("chromedriver ended before it named a port".into())
}

/// An error of `WebDriver` without its backtrace of the browser.
pub fn first_line(error: &WebDriverError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
