//! Edge: reads all layers of configuration.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::layers::{Layer, Source};
use super::user::{ConfigError, MAX_CONFIG_BYTES};
use super::{Config, files, managed};

/// Where the layers are, but for the organization's, which have one place.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reading {
    /// The user's file. `None`: there is no home.
    pub file: Option<PathBuf>,
    /// The file was named: it must be there.
    pub must_exist: bool,
    /// What variables say.
    pub variables: Vec<Source>,
}

impl Reading {
    /// The texts of all layers, and what is wrong with the user's where that cannot be read. One that is not there is none,
    /// unless it was named. An error is one of the organization's files.
    pub fn sources(&self) -> Result<(Vec<Source>, Option<ConfigError>), ConfigError> {
        let mut sources = managed::read()?;
        let (own, unread) = self.own_sources();
        sources.extend(own);
        Ok((sources, unread))
    }

    /// The same without the organization's.
    pub fn own_sources(&self) -> (Vec<Source>, Option<ConfigError>) {
        let (mut sources, mut unread) = (Vec::new(), None);
        if let Some(path) = &self.file {
            match files::read_small(path, MAX_CONFIG_BYTES) {
                Ok(text) => sources.push(Source { layer: Layer::User, name: path.display().to_string(), text }),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !self.must_exist => {}
                Err(error) => {
                    unread = Some(ConfigError::Unreadable { path: path.clone(), why: error.to_string() });
                }
            }
        }
        sources.extend(self.variables.iter().cloned());
        (sources, unread)
    }

    /// What all of them say together.
    pub fn read(&self) -> Result<Config, ConfigError> {
        let (sources, unread) = match self.sources() {
            Ok(read) => read,
            Err(broken) => return Ok(Config::closed(broken)),
        };
        let mut config = Config::of(&sources)?;
        match (unread, &mut config.governed) {
            (None, _) => {}
            (Some(error), None) => return Err(error),
            // Nobody gets rid of the organization's by a file that cannot be read.
            (Some(error), Some(governed)) => governed.left_out = Some(error),
        }
        Ok(config)
    }
}
