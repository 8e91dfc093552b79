//! How long the steps of start-up take, drawn per pod and per node.

use crate::platform::{Startup, Step};
use crate::rng::{Draws, Duration, Purpose};
use crate::units::Span;

#[derive(Clone, Copy, Debug)]
pub struct StartupTimes {
    draws: Draws,
    container_create: Duration,
    fargate_register: Duration,
    boot: [(Duration, Purpose); 4],
}

/// A node's way from the request on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
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
            boot: [
                (duration(startup.launch_to_pending), Purpose::LaunchToPending),
                (duration(startup.pending_to_kernel), Purpose::PendingToKernel),
                (duration(startup.kernel_to_registered), Purpose::KernelToRegistered),
                (duration(startup.registered_to_ready), Purpose::RegisteredToReady),
            ],
        }
    }

    /// Sandbox and container of the pod with this key.
    pub fn container(&self, key: u64) -> Span {
        self.container_create.at(|| self.draws.quantile(Purpose::ContainerCreate, key, 0))
    }

    /// From a Fargate pod's launch to its node's registration.
    pub fn fargate(&self, key: u64) -> Span {
        self.fargate_register.at(|| self.draws.quantile(Purpose::FargateRegister, key, 0))
    }

    /// Boot of the node with this key.
    pub fn node(&self, key: u64) -> Boot {
        let [launch, kernel, register, ready] =
            self.boot.map(|(duration, purpose)| duration.at(|| self.draws.quantile(purpose, key, 0)));
        let until_running = launch + kernel;
        Boot { until_running, until_ready: until_running + register + ready }
    }
}
