//! A task as the archive and the REST API write it: what the replay needs of it, everything else passed over.
//!
//! The archive has `config: {local, export}`, the REST API one object with `_export` in it. Configuration is looked at
//! for a few keys only: a month of exports is mostly SQL texts and parameters.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::value::{Id, Ids, Lenient, Str, When};
use crate::units::{Span, Time};

/// One task of an attempt.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Task<'a> {
    pub id: Id,
    /// The archive says it; the REST API does not.
    pub attempt_id: Id,
    #[serde(borrow)]
    pub full_name: Str<'a>,
    pub parent_id: Id,
    pub upstreams: Ids,
    #[serde(borrow)]
    pub state: Str<'a>,
    pub updated_at: When,
    pub started_at: When,
    pub resuming_task_id: Id,
    #[serde(borrow)]
    pub config: Lenient<Config<'a>>,
    #[serde(borrow)]
    pub export_params: Lenient<Settings<'a>>,
    #[serde(borrow)]
    pub state_params: Lenient<StateParams<'a>>,
}

/// How far a task came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskState {
    /// `blocked` and `ready`: it was never given to an agent.
    Waiting,
    /// `running`, `retry_waiting`, `group_retry_waiting`.
    Running,
    /// Its own part is done, its children's not.
    Planned,
    Success,
    Error,
    GroupError,
    Canceled,
}

impl Task<'_> {
    /// `None` for a state that no server writes.
    pub fn state(&self) -> Option<TaskState> {
        Some(match &*self.state.0 {
            "blocked" | "ready" | "0" | "1" => TaskState::Waiting,
            "retry_waiting" | "group_retry_waiting" | "running" | "2" | "3" | "4" => TaskState::Running,
            "planned" | "5" => TaskState::Planned,
            "group_error" | "6" => TaskState::GroupError,
            "success" | "7" => TaskState::Success,
            "error" | "8" => TaskState::Error,
            "canceled" | "9" => TaskState::Canceled,
            _ => return None,
        })
    }

    /// The last part of its name, if Digdag made the task up: `error` of `+wf+load^error`.
    pub fn generated(&self) -> Option<&str> {
        let name = &*self.full_name.0;
        let at = name.rfind(['+', '^'])?;
        name[at..].strip_prefix('^')
    }

    pub fn into_owned(self) -> Task<'static> {
        Task {
            id: self.id,
            attempt_id: self.attempt_id,
            full_name: self.full_name.into_owned(),
            parent_id: self.parent_id,
            upstreams: self.upstreams,
            state: self.state.into_owned(),
            updated_at: self.updated_at,
            started_at: self.started_at,
            resuming_task_id: self.resuming_task_id,
            config: Lenient(Config {
                operator: self.config.0.operator.into_owned(),
                retry: self.config.0.retry,
                local: self.config.0.local.into_owned(),
                export: self.config.0.export.into_owned(),
            }),
            export_params: Lenient(self.export_params.0.into_owned()),
            state_params: Lenient(self.state_params.0.into_owned()),
        }
    }
}

/// What a task was told to do, and what it passes on to its children.
#[derive(Clone, Debug, Default)]
pub(super) struct Config<'a> {
    /// Without its `>`; empty for groups.
    pub operator: Str<'a>,
    pub retry: Retry,
    pub local: Settings<'a>,
    pub export: Settings<'a>,
}

/// `_retry`: a number, or an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Retry {
    pub limit: Option<u32>,
    pub interval: Option<Span>,
}

/// The settings of pods, wherever they stand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings<'a> {
    #[serde(borrow)]
    docker: Lenient<Docker<'a>>,
    #[serde(borrow)]
    kubernetes: Lenient<Kubernetes<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Docker<'a> {
    #[serde(borrow)]
    image: Str<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Kubernetes<'a> {
    #[serde(borrow, rename = "Pod")]
    pod: Lenient<PodSettings<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PodSettings<'a> {
    #[serde(borrow)]
    resources: Lenient<Resources<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resources<'a> {
    #[serde(borrow)]
    requests: Lenient<Quantities<'a>>,
    #[serde(borrow)]
    limits: Lenient<Quantities<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Quantities<'a> {
    #[serde(borrow)]
    cpu: Str<'a>,
    #[serde(borrow)]
    memory: Str<'a>,
    #[serde(borrow, rename = "ephemeral-storage")]
    storage: Str<'a>,
}

/// What can be asked of [`Settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Image,
    CpuRequest,
    MemoryRequest,
    StorageRequest,
    CpuLimit,
    MemoryLimit,
}

impl Settings<'_> {
    pub fn get(&self, setting: Setting) -> Option<&str> {
        let resources = &self.kubernetes.0.pod.0.resources.0;
        match setting {
            Setting::Image => &self.docker.0.image,
            Setting::CpuRequest => &resources.requests.0.cpu,
            Setting::MemoryRequest => &resources.requests.0.memory,
            Setting::StorageRequest => &resources.requests.0.storage,
            Setting::CpuLimit => &resources.limits.0.cpu,
            Setting::MemoryLimit => &resources.limits.0.memory,
        }
        .get()
    }

    pub fn into_owned(self) -> Settings<'static> {
        let quantities = |q: Quantities| {
            Lenient(Quantities {
                cpu: q.cpu.into_owned(),
                memory: q.memory.into_owned(),
                storage: q.storage.into_owned(),
            })
        };
        let resources = self.kubernetes.0.pod.0.resources.0;
        let resources =
            Resources { requests: quantities(resources.requests.0), limits: quantities(resources.limits.0) };
        Settings {
            docker: Lenient(Docker { image: self.docker.0.image.into_owned() }),
            kubernetes: Lenient(Kubernetes { pod: Lenient(PodSettings { resources: Lenient(resources) }) }),
        }
    }
}

/// What operators remember between polls.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StateParams<'a> {
    #[serde(borrow, rename = "commandStatus")]
    command: Lenient<CommandStatus<'a>>,
    #[serde(borrow)]
    retry_count: Str<'a>,
    #[serde(borrow)]
    target_attempt_id: Str<'a>,
    #[serde(borrow)]
    target_session_id: Str<'a>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct CommandStatus<'a> {
    #[serde(borrow)]
    pod_name: Str<'a>,
    #[serde(borrow)]
    pod_creation_timestamp: Str<'a>,
}

impl StateParams<'_> {
    pub fn pod_name(&self) -> Option<&str> {
        self.command.0.pod_name.get()
    }

    /// Epoch seconds; what is no instant is none.
    pub fn pod_created(&self) -> Option<Time> {
        super::value::instant(self.command.0.pod_creation_timestamp.get()?).ok().flatten()
    }

    /// Real retries. (The archive's `retryCount` counts polls too.)
    pub fn retries(&self) -> u64 {
        self.retry_count.get().and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub fn target_attempt(&self) -> Option<u64> {
        self.target_attempt_id.get()?.parse().ok()
    }

    pub fn target_session(&self) -> Option<u64> {
        self.target_session_id.get()?.parse().ok()
    }

    fn into_owned(self) -> StateParams<'static> {
        StateParams {
            command: Lenient(CommandStatus {
                pod_name: self.command.0.pod_name.into_owned(),
                pod_creation_timestamp: self.command.0.pod_creation_timestamp.into_owned(),
            }),
            retry_count: self.retry_count.into_owned(),
            target_attempt_id: self.target_attempt_id.into_owned(),
            target_session_id: self.target_session_id.into_owned(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Config<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConfigVisitor;
        impl<'de> Visitor<'de> for ConfigVisitor {
            type Value = Config<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a task's configuration")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut config = Config::default();
                while let Some(key) = map.next_key::<Str>()? {
                    match &*key.0 {
                        "local" => {
                            let Lenient(local) = map.next_value::<Lenient<Config>>()?;
                            config = Config { export: config.export, ..local };
                        }
                        "export" | "_export" => config.export = map.next_value::<Lenient<_>>()?.0,
                        "docker" => config.local.docker = map.next_value()?,
                        "kubernetes" => config.local.kubernetes = map.next_value()?,
                        "_retry" => config.retry = map.next_value()?,
                        "_type" => config.operator = map.next_value()?,
                        name if name.len() > 1 && name.ends_with('>') => {
                            map.next_value::<IgnoredAny>()?;
                            if config.operator.0.is_empty() {
                                config.operator = without_mark(key);
                            }
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(config)
            }
        }
        deserializer.deserialize_any(ConfigVisitor)
    }
}

fn without_mark(key: Str) -> Str {
    use std::borrow::Cow;
    Str(match key.0 {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..text.len() - 1]),
        Cow::Owned(mut text) => {
            text.pop();
            Cow::Owned(text)
        }
    })
}

impl<'de> Deserialize<'de> for Retry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Object<'a> {
            #[serde(borrow)]
            limit: Str<'a>,
            #[serde(borrow)]
            interval: Str<'a>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<'a> {
            #[serde(borrow)]
            Object(Object<'a>),
            Number(u32),
            Other(IgnoredAny),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Object(object) => {
                let seconds: Option<i64> = object.interval.get().and_then(|text| text.parse().ok());
                Self {
                    limit: object.limit.get().and_then(|text| text.parse().ok()),
                    interval: seconds.filter(|s| (0..=86_400).contains(s)).map(Span::from_secs),
                }
            }
            Either::Number(limit) => Self { limit: Some(limit), interval: None },
            Either::Other(_) => Self::default(),
        })
    }
}
