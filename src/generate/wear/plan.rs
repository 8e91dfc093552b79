//! The workflows: when each starts, what its graph is, and what its pods ask for.
//!
//! Four workflows of every five minutes start a third of all pods. Left to chance, their sizes would decide those of
//! the whole trace. So the workflows of a class are spread evenly over what the class may be, and requests, images and
//! control steps are dealt out so that the *pods* come in the given shares.

use super::{DAY, Luck, Params, START, log_normal, triangular};
use crate::units::{Span, Time};

/// Workflows of one kind.
pub(super) struct Class {
    name: &'static str,
    workflows: u32,
    schedule: Schedule,
    /// Pods of a session: least, most common, most.
    pods: (u32, u32, u32),
    /// Median over the class's workflows of their median work.
    median_secs: i64,
    /// Of the work of one workflow's pods, in the logarithm.
    pub sigma: f64,
    /// Of a thousand waves, how many are wider than one pod, while pods are left.
    parallel: u64,
    /// Average CPU use in thousandths of the request.
    cpu_use: (i64, i64),
}

#[derive(Clone, Copy)]
enum Schedule {
    EveryMinutes(i64),
    Hourly,
    Daily,
    Weekly,
    /// By hand, in working hours.
    Manual,
}

/// Item and stock links; updates of outfits and users; rankings and caches; imports, reports and shops; weekly ones;
/// what somebody starts.
static CLASSES: [Class; 6] = [
    Class {
        name: "every-5-min",
        workflows: 4,
        schedule: Schedule::EveryMinutes(5),
        pods: (1, 1, 2),
        median_secs: 35,
        sigma: 0.5,
        parallel: 0,
        cpu_use: (100, 400),
    },
    Class {
        name: "every-15-min",
        workflows: 8,
        schedule: Schedule::EveryMinutes(15),
        pods: (1, 2, 3),
        median_secs: 60,
        sigma: 0.6,
        parallel: 200,
        cpu_use: (100, 400),
    },
    Class {
        name: "hourly",
        workflows: 18,
        schedule: Schedule::Hourly,
        pods: (1, 3, 6),
        median_secs: 120,
        sigma: 0.8,
        parallel: 400,
        cpu_use: (100, 400),
    },
    Class {
        name: "daily",
        workflows: 45,
        schedule: Schedule::Daily,
        pods: (1, 5, 20),
        median_secs: 240,
        sigma: 1.1,
        parallel: 500,
        cpu_use: (300, 800),
    },
    Class {
        name: "weekly",
        workflows: 8,
        schedule: Schedule::Weekly,
        pods: (2, 6, 15),
        median_secs: 900,
        sigma: 1.0,
        parallel: 500,
        cpu_use: (300, 800),
    },
    Class {
        name: "manual",
        workflows: 1,
        schedule: Schedule::Manual,
        pods: (1, 3, 8),
        median_secs: 300,
        sigma: 1.0,
        parallel: 300,
        cpu_use: (100, 400),
    },
];

/// Of the medians of a class's workflows, in the logarithm.
const WORKFLOW_SIGMA: f64 = 0.5;
const WIDTH: (i64, i64) = (2, 6);
/// Millicores and MiB, with the share of pods in thousandths.
const SIZES: [(u64, (i64, i64)); 4] =
    [(300, (512, 1_024)), (450, (1_000, 2_048)), (200, (2_000, 4_096)), (50, (4_000, 8_192))];
/// Name and compressed MiB, with the share of pods in thousandths.
const IMAGES: [(u64, Image); 4] = [
    (100, Image { name: "batch-shell:1", mib: 180 }),
    (500, Image { name: "batch-ruby:1", mib: 350 }),
    (300, Image { name: "batch-python:1", mib: 600 }),
    (100, Image { name: "batch-ml:1", mib: 1_100 }),
];
/// 3 control steps to 17 pods: 15 % of the steps.
const IS_CONTROL: [(u64, bool); 2] = [(14, false), (3, true)];
const MEMORY_PEAK: (i64, i64) = (250, 600);
/// Minutes after the hour at which hourly workflows start.
const MINUTES: [i64; 9] = [0, 0, 0, 5, 10, 15, 20, 30, 45];
/// Weights of the hours of the day for daily and weekly workflows: mostly from 21:00 to 06:00.
const HOURS: [u64; 24] = [12, 16, 20, 16, 12, 8, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 6, 8];
/// Every tenth daily workflow must not be interrupted.
const NOT_INTERRUPTIBLE: u32 = 10;

#[derive(Clone, Copy)]
pub(super) struct Image {
    pub name: &'static str,
    pub mib: i64,
}

pub(super) struct Workflow {
    pub name: String,
    pub class: &'static Class,
    pub median: Span,
    pub image: Image,
    pub interruptible: bool,
    pub waves: Vec<Wave>,
    /// Start of every session in the window, in order.
    pub sessions: Vec<Time>,
}

/// Steps that start when all of the wave before were seen to end.
pub(super) enum Wave {
    Pods(Vec<Task>),
    /// A step inside the workflow engine.
    Control(String),
}

#[derive(Clone)]
pub(super) struct Task {
    pub id: String,
    pub cpu_milli: i64,
    pub memory_mib: i64,
    /// Thousandths of the request; a run uses about that.
    pub cpu_use: i64,
    pub memory_peak: i64,
    pub cpu_range: (i64, i64),
    pub memory_range: (i64, i64),
}

/// All workflows, with their sessions in the window.
pub(super) fn workflows(params: &Params) -> Vec<Workflow> {
    let mut deal = Dealers {
        sizes: Dealer::new(&SIZES),
        images: Dealer::new(&IMAGES),
        controls: Dealer::new(&IS_CONTROL),
    };
    let mut workflows = Vec::new();
    for class in &CLASSES {
        let count = ((class.workflows * params.scale_milli + 500) / 1_000).max(1);
        let pods = Luck::of(params, &[class.name, "pods"], 0).strata(count);
        let medians = Luck::of(params, &[class.name, "work"], 0).strata(count);
        for ((number, pods), median) in (1..).zip(pods).zip(medians) {
            let pods = triangular(class.pods, pods);
            let median = log_normal(Span::from_secs(class.median_secs), WORKFLOW_SIGMA, median);
            workflows.push(workflow(params, class, number, pods, median, &mut deal));
        }
    }
    workflows
}

fn workflow(
    params: &Params,
    class: &'static Class,
    number: u32,
    pods: u32,
    median: Span,
    deal: &mut Dealers,
) -> Workflow {
    let name = format!("{}-{number}", class.name);
    let mut luck = Luck::of(params, &[&name], 0);
    let sessions = sessions(params, class.schedule, &name, &mut luck);
    let weight = class.schedule.sessions_a_week();
    let waves = waves(class, pods, weight, &mut luck, deal);
    let image = deal.images.deal(weight * u64::from(pods));
    let is_daily = matches!(class.schedule, Schedule::Daily);
    let interruptible = !(is_daily && number % NOT_INTERRUPTIBLE == NOT_INTERRUPTIBLE / 2);
    Workflow { name, class, median, image, interruptible, waves, sessions }
}

fn waves(class: &Class, pods: u32, weight: u64, luck: &mut Luck, deal: &mut Dealers) -> Vec<Wave> {
    let mut waves = Vec::new();
    let mut left = i64::from(pods);
    let mut steps = 0;
    let mut next_id = |what: &str| {
        steps += 1;
        format!("{what}-{steps}")
    };
    while left > 0 {
        let is_wide = left > 1 && luck.chance(class.parallel);
        let width = if is_wide { luck.between(WIDTH.0, WIDTH.1).min(left) } else { 1 };
        left -= width;
        let tasks: Vec<Task> = (0..width)
            .map(|_| {
                let (cpu_milli, memory_mib) = deal.sizes.deal(weight);
                Task {
                    id: next_id("task"),
                    cpu_milli,
                    memory_mib,
                    cpu_use: luck.between(class.cpu_use.0, class.cpu_use.1),
                    memory_peak: luck.between(MEMORY_PEAK.0, MEMORY_PEAK.1),
                    cpu_range: class.cpu_use,
                    memory_range: MEMORY_PEAK,
                }
            })
            .collect();
        let controls = tasks.iter().filter(|_| deal.controls.deal(weight)).count();
        waves.push(Wave::Pods(tasks));
        waves.extend((0..controls).map(|_| Wave::Control(next_id("check"))));
    }
    waves
}

impl Schedule {
    /// How often a workflow counts when requests, images and control steps are dealt out.
    fn sessions_a_week(self) -> u64 {
        match self {
            Self::EveryMinutes(minutes) => 7 * 1_440 / minutes as u64,
            Self::Hourly => 7 * 24,
            Self::Daily => 7,
            Self::Weekly => 1,
            Self::Manual => 7 * 5,
        }
    }
}

fn sessions(params: &Params, schedule: Schedule, name: &str, luck: &mut Luck) -> Vec<Time> {
    let minutes = |minutes: i64| Span::from_secs(60 * minutes);
    let days = (0..i64::from(params.days)).map(|day| START + Span::from_ms(DAY.ms() * day));
    let every = |from: i64, step: i64| (0..).map(move |n| from + n * step).take_while(|m| *m < 1_440);
    match schedule {
        Schedule::EveryMinutes(step) => {
            days.flat_map(|day| every(0, step).map(move |m| day + minutes(m))).collect()
        }
        Schedule::Hourly => {
            let offset = luck.pick(&MINUTES);
            days.flat_map(|day| every(offset, 60).map(move |m| day + minutes(m))).collect()
        }
        Schedule::Daily => {
            let at = minutes(time_of_day(luck));
            days.map(|day| day + at).collect()
        }
        Schedule::Weekly => {
            let first = luck.below(7) as usize;
            let at = minutes(time_of_day(luck));
            days.skip(first).step_by(7).map(|day| day + at).collect()
        }
        Schedule::Manual => days
            .enumerate()
            .flat_map(|(number, day)| {
                let mut luck = Luck::of(params, &[name, "by hand"], number as u64);
                let count = luck.between(3, 7);
                let mut at: Vec<Time> =
                    (0..count).map(|_| day + Span::from_secs(luck.between(9 * 3_600, 20 * 3_600))).collect();
                at.sort_unstable();
                at
            })
            .collect(),
    }
}

/// In minutes, a multiple of five.
fn time_of_day(luck: &mut Luck) -> i64 {
    60 * hour(luck) + 5 * luck.between(0, 11)
}

fn hour(luck: &mut Luck) -> i64 {
    let mut draw = luck.below(HOURS.iter().sum());
    for (hour, weight) in (0..).zip(HOURS) {
        if draw < weight {
            return hour;
        }
        draw -= weight;
    }
    unreachable!("a draw is below the sum of the weights")
}

struct Dealers {
    sizes: Dealer<(i64, i64)>,
    images: Dealer<Image>,
    controls: Dealer<bool>,
}

/// Gives things in given shares: always the one that lags most behind its share.
struct Dealer<T: 'static> {
    shares: &'static [(u64, T)],
    dealt: Vec<u64>,
}

impl<T: Copy> Dealer<T> {
    fn new(shares: &'static [(u64, T)]) -> Self {
        Self { shares, dealt: vec![0; shares.len()] }
    }

    fn deal(&mut self, weight: u64) -> T {
        let whole: u64 = self.shares.iter().map(|(share, _)| share).sum();
        let total: u64 = self.dealt.iter().sum::<u64>() + weight;
        let lag = |i: &usize| (self.shares[*i].0 * total) as i64 - (self.dealt[*i] * whole) as i64;
        // Of equals the first: `max_by_key` takes the last.
        let next = (0..self.shares.len()).rev().max_by_key(lag).expect("there are shares");
        self.dealt[next] += weight;
        self.shares[next].1
    }
}
