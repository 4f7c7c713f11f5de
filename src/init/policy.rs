//! What follows when the database ends without having been asked to: try again and when, upgrade, or give up and say why.
//!
//! Pure: the time comes from the caller and is monotonic, so that no jump of the wall clock decides anything.

use std::time::{Duration, Instant};

use super::child::End;

/// First wait before another start; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Ready for so long, a start counts as a success.
const PROVEN: Duration = Duration::from_mins(1);
/// Starts in a row that came to nothing, the last one included.
const MOST_FAILURES: u32 = 5;
/// Ends within [`RECENT`], however the starts between them looked.
const MOST_RECENT: usize = 10;
const RECENT: Duration = Duration::from_mins(10);
/// An old container may still be stopping and hold the lock.
const LOCK_PATIENCE: Duration = Duration::from_mins(5);
/// An end by SIGILL so soon after a start is the processor, not a fault in the program.
const EARLY: Duration = Duration::from_secs(1);

/// How a run of the database went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) end: End,
    pub(super) started: Instant,
    /// When it became ready, if it did.
    pub(super) ready: Option<Instant>,
    pub(super) ended: Instant,
    /// Whether the kernel killed it for memory.
    pub(super) out_of_memory: bool,
    /// Whether it was ended by us because it hung.
    pub(super) hung: bool,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Start again after a wait.
    Retry { after: Duration, why: String },
    /// Its data is of an older version.
    NeedsUpgrade,
    /// End with this exit code.
    GiveUp { code: u8, why: String },
}

/// The memory of past ends.
#[derive(Debug, Default)]
pub(super) struct Policy {
    failures: u32,
    recent: Vec<Instant>,
    locked_since: Option<Instant>,
    recoveries: u32,
    memory_kills: u32,
}

impl Policy {
    /// Decides what follows a run. `jitter` from 0 to 1 spreads the waits of many containers.
    pub(super) fn after(&mut self, run: Run, jitter: f64) -> Next {
        if run.ready.is_some_and(|ready| run.ended.duration_since(ready) >= PROVEN) {
            *self = Self {
                recent: std::mem::take(&mut self.recent),
                ..Self::default()
            };
        }
        if let Some(why) = fatal(run) {
            return Next::GiveUp {
                code: run.end.code(),
                why: why.to_owned(),
            };
        }
        match run.end {
            End::Exited(11) => return Next::NeedsUpgrade,
            End::Exited(22) => return self.locked(run, jitter),
            End::Exited(23) => {
                self.recoveries += 1;
                if self.recoveries > 1 {
                    return give_up(
                        run,
                        "the recovery of its data failed twice; repeating it can make matters worse, so restore a backup or ask for help",
                    );
                }
            }
            _ => {}
        }
        if run.out_of_memory {
            self.memory_kills += 1;
            if self.memory_kills >= 3 {
                return give_up(
                    run,
                    "the kernel killed it for memory three times; give the container more memory",
                );
            }
        }
        self.failures += 1;
        self.recent.retain(|end| run.ended.duration_since(*end) < RECENT);
        self.recent.push(run.ended);
        if self.failures >= MOST_FAILURES {
            return give_up(run, &format!("{} starts in a row came to nothing", self.failures));
        }
        if self.recent.len() >= MOST_RECENT {
            return give_up(run, &format!("it ended {} times within ten minutes", self.recent.len()));
        }
        Next::Retry {
            after: wait(self.failures, jitter),
            why: describe(run),
        }
    }

    fn locked(&mut self, run: Run, jitter: f64) -> Next {
        let since = *self.locked_since.get_or_insert(run.started);
        if run.ended.duration_since(since) >= LOCK_PATIENCE {
            return give_up(
                run,
                "its data is locked by another process for five minutes; two containers use one volume",
            );
        }
        Next::Retry {
            after: wait(2, jitter),
            why: "its data is locked by another process, perhaps by an older container that is still stopping"
                .to_owned(),
        }
    }
}

fn wait(failures: u32, jitter: f64) -> Duration {
    let doubled = FIRST_WAIT
        .saturating_mul(1 << failures.saturating_sub(1).min(10))
        .min(LONGEST_WAIT);
    doubled.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
}

fn give_up(run: Run, why: &str) -> Next {
    // An end with 0 that nobody asked for is no success either.
    let code = match run.end.code() {
        0 => 1,
        code => code,
    };
    Next::GiveUp {
        code,
        why: format!("{}; {why}", describe(run)),
    }
}

fn describe(run: Run) -> String {
    if run.hung {
        return "it hung and was ended".to_owned();
    }
    if run.out_of_memory {
        return "the kernel killed it for memory".to_owned();
    }
    match run.end {
        End::Exited(0) => "it stopped by itself without having been asked to; the community licence makes it do so above its data limit".to_owned(),
        End::Exited(21) => "its endpoint is occupied".to_owned(),
        End::Exited(23) => "the recovery of its data failed".to_owned(),
        End::Killed(9) => "it was killed from outside".to_owned(),
        End::Killed(_) => "it crashed".to_owned(),
        End::Exited(_) => "it failed".to_owned(),
    }
}

/// Ends that no restart changes, with what to do. The codes are arangod's own (`lib/Basics/exitcodes.dat`), stable since 3.10.
fn fatal(run: Run) -> Option<&'static str> {
    Some(match run.end {
        End::Exited(3) => "an option is unknown to this release; run `mallku-db conf check` on its configuration",
        End::Exited(4) => {
            "an option has a value that this release does not take; run `mallku-db conf check` on its configuration"
        }
        End::Exited(5) => "an executable that it needs is missing; the image is broken",
        End::Exited(6) => "its configuration file is missing; the image or the run directory is broken",
        End::Exited(10) => "the upgrade of its data failed; restore a backup, or ask for help with the log above",
        End::Exited(12) => "its data was written by a newer release; use that release, there is no way back",
        End::Exited(13) => "the version of its data cannot be read; restore a backup",
        End::Exited(20) => {
            "a process id file says that it runs already; `pid-file` does not belong into its configuration"
        }
        End::Exited(24) => "its data directory is not empty and was to be initialised",
        End::Exited(25) => "its data is of a storage engine that this release does not read",
        End::Exited(26) => {
            "its ICU data file is missing or unreadable; the image is broken: copy icudtl.dat and icudtl_legacy.dat"
        }
        End::Exited(27) => "its time zone database is missing; the image is broken: copy the tzdata directory",
        End::Exited(28) => "the limits of this container are too low; raise `ulimits.nofile`",
        End::Exited(29 | 30) => "it found its data damaged; restore a backup, or ask for help with the log above",
        End::Exited(126) => "it cannot be executed",
        End::Exited(127) => "it is missing",
        End::Killed(4) if run.ended.duration_since(run.started) <= EARLY => {
            "this processor lacks instructions that it needs (SSE4.2, AVX); use another machine type"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Story {
        policy: Policy,
        now: Instant,
    }

    impl Story {
        fn new() -> Self {
            Self {
                policy: Policy::default(),
                now: Instant::now(),
            }
        }

        /// A run of so many seconds that was ready for so many of them.
        fn run(&mut self, end: End, seconds: u64, ready: Option<u64>) -> Next {
            let started = self.now;
            self.now += Duration::from_secs(seconds);
            let run = Run {
                end,
                started,
                ready: ready.map(|ready| self.now.checked_sub(Duration::from_secs(ready)).unwrap()),
                ended: self.now,
                out_of_memory: false,
                hung: false,
            };
            self.policy.after(run, 0.5)
        }
    }

    fn after(next: Next) -> Duration {
        match next {
            Next::Retry { after, .. } => after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_code_of_arangod_has_its_class() {
        let fatal = [3, 4, 5, 6, 10, 12, 13, 20, 24, 25, 26, 27, 28, 29, 30, 126, 127];
        for code in 0..=255 {
            let next = Story::new().run(End::Exited(code), 1, None);
            match next {
                Next::GiveUp { code: given, .. } => {
                    assert!(fatal.contains(&code), "{code}");
                    assert_eq!(given, code);
                }
                Next::NeedsUpgrade => assert_eq!(code, 11),
                Next::Retry { .. } => assert!(!fatal.contains(&code), "{code}"),
            }
        }
    }

    #[test]
    fn a_crash_loop_backs_off_and_ends_with_the_signals_code() {
        let mut story = Story::new();
        let waits: Vec<_> = (0..4)
            .map(|_| after(story.run(End::Killed(11), 1, None)).as_millis())
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000]);
        let Next::GiveUp { code, why } = story.run(End::Killed(11), 1, None) else {
            panic!()
        };
        assert_eq!(code, 139);
        assert!(why.contains("5 starts in a row"), "{why}");
    }

    #[test]
    fn running_is_no_success_and_a_minute_of_service_is() {
        let mut story = Story::new();
        for _ in 0..4 {
            after(story.run(End::Killed(6), 40, Some(30)));
        }
        assert!(matches!(
            story.run(End::Killed(6), 40, Some(30)),
            Next::GiveUp { code: 134, .. }
        ));
        let mut story = Story::new();
        for _ in 0..4 {
            after(story.run(End::Killed(6), 100, Some(90)));
        }
        assert_eq!(after(story.run(End::Killed(6), 100, Some(90))).as_millis(), 500);
    }

    #[test]
    fn ten_ends_in_ten_minutes_are_too_many_even_if_each_was_proven() {
        let mut story = Story::new();
        for _ in 0..9 {
            after(story.run(End::Exited(1), 61, Some(60)));
        }
        assert!(matches!(
            story.run(End::Exited(1), 51, Some(60)),
            Next::GiveUp { code: 1, .. }
        ));
        let mut story = Story::new();
        for _ in 0..30 {
            after(story.run(End::Exited(1), 70, Some(65)));
        }
    }

    #[test]
    fn a_held_lock_is_waited_for_five_minutes() {
        let mut story = Story::new();
        let mut tries = 0;
        let code = loop {
            match story.run(End::Exited(22), 1, None) {
                Next::Retry { after, .. } => story.now += after,
                Next::GiveUp { code, .. } => break code,
                Next::NeedsUpgrade => panic!(),
            }
            tries += 1;
        };
        assert_eq!(code, 22);
        assert!((140..=160).contains(&tries), "{tries}");
    }

    #[test]
    fn a_recovery_is_tried_twice() {
        let mut story = Story::new();
        after(story.run(End::Exited(23), 5, None));
        assert!(matches!(
            story.run(End::Exited(23), 5, None),
            Next::GiveUp { code: 23, .. }
        ));
    }

    #[test]
    fn the_processor_is_blamed_only_at_once() {
        assert!(matches!(
            Story::new().run(End::Killed(4), 0, None),
            Next::GiveUp { code: 132, .. }
        ));
        after(Story::new().run(End::Killed(4), 100, Some(90)));
    }

    #[test]
    fn a_third_kill_for_memory_ends_it_with_a_hint() {
        let mut policy = Policy::default();
        let now = Instant::now();
        let run = Run {
            end: End::Killed(9),
            started: now,
            ready: None,
            ended: now,
            out_of_memory: true,
            hung: false,
        };
        after(policy.after(run, 0.0));
        after(policy.after(run, 0.0));
        let Next::GiveUp { code, why } = policy.after(run, 0.0) else {
            panic!()
        };
        assert_eq!(code, 137);
        assert!(why.contains("more memory"));
    }

    #[test]
    fn an_end_with_0_that_nobody_asked_for_is_no_success() {
        let mut story = Story::new();
        for _ in 0..4 {
            after(story.run(End::Exited(0), 1, None));
        }
        assert!(matches!(
            story.run(End::Exited(0), 1, None),
            Next::GiveUp { code: 1, .. }
        ));
    }

    #[test]
    fn waits_are_spread_by_a_fifth_and_bounded() {
        assert_eq!(wait(1, 0.0).as_millis(), 400);
        assert_eq!(wait(1, 1.0).as_millis(), 600);
        assert_eq!(wait(u32::MAX, 0.5), LONGEST_WAIT);
    }
}
