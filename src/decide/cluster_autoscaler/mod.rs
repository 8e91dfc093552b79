//! Cluster Autoscaler 1.36: how many nodes of which group pending pods need, and which nodes nobody needs.
