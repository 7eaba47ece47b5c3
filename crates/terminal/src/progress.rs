//! Progress of long work: bars on a terminal, lines elsewhere. Always on stderr.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines of one stage where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(2);

/// One stage of work.
pub struct Stage {
    name: &'static str,
    bar: ProgressBar,
    lines: Option<Mutex<Instant>>,
    started: Instant,
}

impl Stage {
    /// Starts a stage of `total` steps.
    pub fn start(name: &'static str, total: u64) -> Stage {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        // The template is a constant that parses; the default style would do as well.
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:<9} {bar:32} {percent:>3}% {human_pos} {msg}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        let lines = bar.is_hidden().then(|| Mutex::new(Instant::now()));
        Stage {
            name,
            bar,
            lines,
            started: Instant::now(),
        }
    }

    /// Shows how many steps are done.
    pub fn at(&self, done: u64) {
        self.bar.set_position(done);
        let Some(lines) = &self.lines else { return };
        let Ok(mut last) = lines.lock() else { return };
        if last.elapsed() >= LINE_INTERVAL {
            *last = Instant::now();
            let total = self.bar.length().unwrap_or(0);
            eprintln!("{}: {done} of {total}", self.name);
        }
    }

    /// Sets the number of steps once it is known.
    pub fn total(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// Ends the stage with a sentence and answers how many seconds it took.
    pub fn done(&self, message: &str) -> f64 {
        let seconds = self.started.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        eprintln!("{:<9} {message} in {seconds:.2} s", self.name);
        seconds
    }
}
