//! How long the steps of start-up take, drawn per pod and per node.

use crate::control::LaunchPath;
use crate::platform::{Startup, Step};
use crate::rng::{Draws, Duration, Purpose};
use crate::units::Span;

#[derive(Clone, Copy, Debug)]
pub struct StartupTimes {
    draws: Draws,
    container_create: Duration,
    fargate_register: Duration,
    create_fleet: Duration,
    boot: [(Duration, Purpose); 4],
}

/// A node's way from the request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Until EC2 answers.
    pub until_launched: Span,
    /// Until EC2 bills it.
    pub until_running: Span,
    pub until_ready: Span,
}

impl StartupTimes {
    pub fn new(startup: &Startup, draws: Draws) -> Self {
        let duration = |step: Step| Duration::from_median_p95(step.median, step.p95);
        Self {
            draws,
            container_create: duration(startup.container_create),
            fargate_register: duration(startup.fargate_register),
            create_fleet: duration(startup.create_fleet),
            boot: [
                (duration(startup.launch_to_pending), Purpose::LaunchToPending),
                (duration(startup.pending_to_kernel), Purpose::PendingToKernel),
                (duration(startup.kernel_to_registered), Purpose::KernelToRegistered),
                (duration(startup.registered_to_ready), Purpose::RegisteredToReady),
            ],
        }
    }

    /// Sandbox and container of the pod with this key, at this attempt (from 1).
    pub fn container(&self, key: u64, attempt: u32) -> Span {
        self.container_create.at(|| self.draws.quantile(Purpose::ContainerCreate, key, attempt - 1))
    }

    /// From a Fargate pod's launch to its node's registration.
    pub fn fargate(&self, key: u64, attempt: u32) -> Span {
        self.fargate_register.at(|| self.draws.quantile(Purpose::FargateRegister, key, attempt - 1))
    }

    /// Boot of the node with this key.
    pub fn node(&self, key: u64, through: LaunchPath) -> Boot {
        let draw = |duration: Duration, purpose| duration.at(|| self.draws.quantile(purpose, key, 0));
        let [launch, kernel, register, ready] = self.boot;
        let until_launched = match through {
            LaunchPath::AutoScalingGroup => draw(launch.0, launch.1),
            LaunchPath::Fleet => draw(self.create_fleet, Purpose::CreateFleet),
        };
        let until_running = until_launched + draw(kernel.0, kernel.1);
        let until_ready = until_running + draw(register.0, register.1) + draw(ready.0, ready.1);
        Boot { until_launched, until_running, until_ready }
    }
}
