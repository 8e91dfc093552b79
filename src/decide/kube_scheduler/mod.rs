//! kube-scheduler 1.36: on which nodes a pod may run, and which of them it prefers.
