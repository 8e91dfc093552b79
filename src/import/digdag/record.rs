//! One JSON object of any of Digdag's answers, or one row of its database. Which it is follows from the keys it has.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::stamp::Stamp;
use super::task::{Settings, Task};
use super::value::{Id, Lenient, Str, When};

/// Keys of the database's columns and of the REST API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    pub id: Id,
    #[serde(borrow)]
    pub name: Str<'a>,
    #[serde(borrow)]
    pub project: Named<'a>,
    #[serde(borrow)]
    pub workflow: Named<'a>,
    #[serde(alias = "attemptId")]
    pub attempt_id: Id,
    #[serde(alias = "sessionId")]
    pub session_id: Id,
    #[serde(borrow, alias = "workflowName")]
    pub workflow_name: Str<'a>,
    #[serde(alias = "sessionTime")]
    pub session_time: When,
    #[serde(borrow)]
    pub timezone: Str<'a>,
    pub index: Id,
    pub state_flags: Id,
    #[serde(borrow)]
    pub done: Str<'a>,
    #[serde(borrow, alias = "sessionUuid")]
    pub session_uuid: Str<'a>,
    #[serde(alias = "createdAt")]
    pub created_at: Stamp,
    #[serde(alias = "finishedAt")]
    pub finished_at: Stamp,
    /// An attempt's parameters.
    #[serde(borrow)]
    pub params: Nested<'a, Settings<'a>>,
    /// The schedule of the workflow, where a query asks for it.
    #[serde(borrow)]
    pub schedule: Nested<'a, Schedule<'a>>,
    #[serde(borrow)]
    pub config: Lenient<WorkflowConfig<'a>>,
    #[serde(borrow)]
    pub tasks: Tasks<'a>,
    #[serde(borrow, rename = "lastAttempt")]
    pub last_attempt: Option<Box<Record<'a>>>,
    #[serde(borrow)]
    pub attempts: Option<Vec<Record<'a>>>,
    #[serde(borrow)]
    pub sessions: Option<Vec<Record<'a>>>,
    #[serde(borrow)]
    pub workflows: Option<Vec<Record<'a>>>,
    #[serde(borrow)]
    pub files: Option<Vec<LogFile<'a>>>,
}

/// The tasks of an attempt, and how far they are read.
#[derive(Debug, Default)]
pub(super) enum Tasks<'a> {
    #[default]
    None,
    List(Vec<Task<'a>>),
    /// JSON inside a text, as the database's column is one.
    Text(Str<'a>),
}

/// An object with a name, or a name alone.
#[derive(Debug, Default)]
pub(super) struct Named<'a> {
    pub name: Str<'a>,
}

/// An object, or a text that has its JSON.
#[derive(Debug)]
pub(super) enum Nested<'a, T> {
    Object(T),
    Text(Str<'a>),
}

/// What is read of a workflow's definition.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkflowConfig<'a> {
    #[serde(borrow)]
    pub schedule: Lenient<Schedule<'a>>,
    #[serde(borrow, rename = "_export")]
    pub export: Lenient<Settings<'a>>,
}

/// When a workflow is run: one of these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Schedule<'a> {
    #[serde(borrow, rename = "hourly>")]
    pub hourly: Str<'a>,
    #[serde(borrow, rename = "daily>")]
    pub daily: Str<'a>,
    #[serde(borrow, rename = "weekly>")]
    pub weekly: Str<'a>,
    #[serde(borrow, rename = "monthly>")]
    pub monthly: Str<'a>,
    #[serde(borrow, rename = "minutes_interval>")]
    pub minutes_interval: Str<'a>,
    #[serde(borrow, rename = "cron>")]
    pub cron: Str<'a>,
}

/// A file of a task's log.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LogFile<'a> {
    #[serde(borrow)]
    pub task_name: Str<'a>,
    pub file_time: When,
}

impl Record<'_> {
    /// A row of the database's attempts, whatever the query calls their id. Archives alone have nothing of these, and
    /// `created_at` is when they were written.
    pub fn is_row(&self) -> bool {
        let is_of_attempts =
            self.workflow_name.get().is_some() || self.session_id.0.is_some() || self.state_flags.0.is_some();
        is_of_attempts && self.attempt_id.0.or(self.id.0).is_some()
    }

    /// An attempt of the REST API.
    pub fn is_attempt(&self) -> bool {
        self.id.0.is_some() && self.session_id.0.is_some() && self.workflow.name.get().is_some()
    }

    pub fn is_session(&self) -> bool {
        self.session_uuid.get().is_some() && !self.is_attempt()
    }

    pub fn is_workflow(&self) -> bool {
        self.name.get().is_some() && self.project.name.get().is_some()
    }
}

impl<T> Default for Nested<'_, T> {
    fn default() -> Self {
        Self::Text(Str::default())
    }
}

impl<T: Default> Nested<'_, T> {
    /// What stands there; what is no JSON is nothing.
    pub fn read<'t>(&'t self) -> T
    where
        T: Clone + Deserialize<'t>,
    {
        match self {
            Self::Object(value) => value.clone(),
            Self::Text(text) => {
                text.get().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
            }
        }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de> + Default> Deserialize<'de> for Nested<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NestedVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for NestedVisitor<T> {
            type Value = Nested<'de, T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Nested::Object)
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Nested::Text(Str(text.into())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Nested::Text(Str(text.to_owned().into())))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Nested::default())
            }
        }
        deserializer.deserialize_any(NestedVisitor(std::marker::PhantomData))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Named<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Object<'a> {
            #[serde(borrow)]
            name: Str<'a>,
        }
        Ok(match Nested::<Object>::deserialize(deserializer)? {
            Nested::Object(object) => Self { name: object.name },
            Nested::Text(name) => Self { name },
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tasks<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TasksVisitor;
        impl<'de> Visitor<'de> for TasksVisitor {
            type Value = Tasks<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of tasks")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut tasks = Vec::new();
                while let Some(task) = seq.next_element()? {
                    tasks.push(task);
                }
                Ok(Tasks::List(tasks))
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Tasks::Text(Str(text.into())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Tasks::Text(Str(text.to_owned().into())))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Tasks::None)
            }
        }
        deserializer.deserialize_any(TasksVisitor)
    }
}
