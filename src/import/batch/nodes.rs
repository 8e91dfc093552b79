//! Nodes of multi-node parallel jobs, when all jobs are known: those that are listed themselves are known better.

use super::super::draft::Draft;
use super::super::lenient::Scalar;
use super::object::Job;
use super::{checked, rows};

/// Rows of the nodes that no file lists: as long as the job, with what their range asks for.
pub(super) fn add(draft: &mut Draft) {
    let (mut jobs, mut made) = (0_u64, 0_u64);
    let last_file = draft.file;
    for (file, job) in std::mem::take(&mut draft.batch.multi_node) {
        draft.file = file;
        let before = made;
        for number in 0..job.node_properties.num_nodes.unwrap_or_default() {
            let id = format!("{}#{number}", &*job.job_id);
            if draft.batch.rows.contains_key(&id) {
                continue;
            }
            let node = Job { job_id: Scalar(id), ..job.clone() };
            if let Ok((created, attempts)) = checked(&node) {
                rows(&node, created, attempts, draft);
                made += 1;
            }
        }
        jobs += u64::from(made > before);
    }
    draft.file = last_file;
    if jobs > 0 {
        let what = if jobs == 1 { "multi-node job" } else { "multi-node jobs" };
        draft.notes.push(format!(
            "{jobs} {what} of AWS Batch: {made} nodes are each taken to have run as long as their job (list-jobs \
             --multi-node-job-id has the nodes themselves), and do not wait for one another to start"
        ));
    }
}
