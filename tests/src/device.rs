//! One person's machine.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    answer::{Answer, Failure},
    node_process::NodeProcess,
    port::Port,
    program::{ProgramError, program_path},
};

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// There is no program to run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Its folders cannot be made.
    #[error("the folders of a device cannot be made")]
    Io(#[from] io::Error),
}

/// One person's machine: a data folder, a place for workspaces, and a node that may run.
#[derive(Debug)]
pub struct Device {
    /// The data folder (`WEFT_HOME`).
    pub home: PathBuf,
    /// Where this person's workspaces lie.
    pub place: PathBuf,
    /// The name the others see.
    pub name: String,
    /// The name the others see of the machine.
    pub device_name: String,
    /// The network namespace it lies in, when not the one of this process.
    pub namespace: Option<String>,
    program: &'static Path,
    node: Option<NodeProcess>,
    /// Where its node listens: a restarted one listens there again, as a machine keeps its address.
    port: Port,
}

impl Device {
    /// Makes the folders of a device under `root`; the person goes by `name` with a capital letter.
    ///
    /// # Errors
    /// When there is no program, or the folders cannot be made.
    pub fn new(root: &Path, name: &str) -> Result<Self, DeviceError> {
        let root = root.canonicalize()?.join(name);
        let (home, place) = (root.join("home"), root.join("place"));
        fs::create_dir_all(&home)?;
        fs::create_dir_all(&place)?;
        let runtime = root.join("run");
        fs::create_dir_all(&runtime)?;
        #[cfg(unix)]
        for folder in [&home, &runtime] {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        let mut letters = name.chars();
        let name = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        let device_name = "laptop".to_owned();
        Ok(Self {
            home,
            place,
            name,
            device_name,
            namespace: None,
            program: program_path()?,
            node: None,
            port: Port::reserve()?,
        })
    }

    /// The program with this device's surroundings and nothing of the machine's that changes what it does.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = match &self.namespace {
            Some(namespace) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", namespace]).arg(self.program);
                command
            }
            None => Command::new(self.program),
        };
        command
            .args(arguments)
            .current_dir(&self.place)
            .env("WEFT_HOME", &self.home)
            .env("WEFT_KEY", "file")
            .env("XDG_RUNTIME_DIR", self.home.with_file_name("run"))
            .env("NO_COLOR", "1")
            .env("WEFT_NAME", &self.name)
            .env("WEFT_DEVICE_NAME", &self.device_name);
        command
    }

    /// Runs a command with `--json`.
    ///
    /// # Errors
    /// When it ends with another code than 0.
    pub fn weft<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Answer, Failure> {
        self.weft_with_input(arguments, "")
    }

    /// Runs a command with `--json` that reads its standard input.
    ///
    /// # Errors
    /// When it ends with another code than 0.
    pub fn weft_with_input<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &str,
    ) -> Result<Answer, Failure> {
        let mut command = self.command(arguments);
        command.arg("--json");
        let name = name_of(&command);
        let begin = Instant::now();
        let output = run(&mut command, input)
            .map_err(|error| Failure::without_process(&name, format!("cannot be run: {error}")))?;
        Answer::read(&name, &output, begin.elapsed())
    }

    /// Runs a command and gives what a person would read.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn shown<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> io::Result<String> {
        let output = run(&mut self.command(arguments), "")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    }

    /// Starts this device's node on loopback, with the local network's search off.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub fn start_node(&mut self) -> Result<&NodeProcess, Failure> {
        self.start_node_with(&["--lan", "off"])
    }

    /// Starts this device's node with these arguments and no others: as a person would, it listens everywhere.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub fn start_plain_node(&mut self, arguments: &[&str]) -> Result<&NodeProcess, Failure> {
        let mut command = self.command(["node", "--json"]);
        command.args(arguments);
        let name = name_of(&command);
        let node = NodeProcess::start(&mut command, &name)?;
        Ok(self.node.insert(node))
    }

    /// Starts this device's node with further arguments.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub fn start_node_with(&mut self, arguments: &[&str]) -> Result<&NodeProcess, Failure> {
        let listen = self.port.address();
        let mut command = self.command(["node", "--json", "--listen", &listen]);
        command.args(arguments);
        let name = name_of(&command);
        let node = NodeProcess::start(&mut command, &name)?;
        Ok(self.node.insert(node))
    }

    /// Starts this device's node through another program, given with its arguments, which runs it.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub fn start_node_through(&mut self, wrapper: &[OsString]) -> Result<&NodeProcess, Failure> {
        let listen = self.port.address();
        let inner = self.command(["node", "--json", "--listen", &listen, "--lan", "off"]);
        let (program, arguments) = wrapper.split_first().expect("a program");
        let mut command = Command::new(program);
        command.args(arguments).arg(inner.get_program()).args(inner.get_args()).current_dir(&self.place);
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let name = name_of(&inner);
        let node = NodeProcess::start(&mut command, &name)?;
        Ok(self.node.insert(node))
    }

    /// The running node.
    #[must_use]
    pub fn node(&self) -> Option<&NodeProcess> {
        self.node.as_ref()
    }

    /// Gives the running node away, to stop or kill it.
    pub fn take_node(&mut self) -> Option<NodeProcess> {
        self.node.take()
    }

    /// Ends the node cleanly.
    ///
    /// # Errors
    /// When it does not end in time, or not well.
    pub fn stop_node(&mut self) -> io::Result<()> {
        self.take_node().map_or(Ok(()), NodeProcess::terminate)
    }

    /// Waits until every connected device, and at least `peers`, has everything.
    ///
    /// # Errors
    /// When that does not happen in time.
    pub fn wait_synced(&self, folder: &Path, peers: u32, patience: Duration) -> Result<Answer, Failure> {
        let (peers, patience) = (peers.to_string(), format!("{}s", patience.as_secs()));
        self.weft([
            "wait".as_ref(),
            folder.as_os_str(),
            "--synced".as_ref(),
            "--peers".as_ref(),
            peers.as_ref(),
            "--timeout".as_ref(),
            patience.as_ref(),
        ])
    }

    /// The tree and heads digests of a workspace.
    ///
    /// # Errors
    /// When the command fails.
    pub fn digest(&self, folder: &Path) -> Result<(String, String), Failure> {
        let answer = self.weft(["digest".as_ref(), folder.as_os_str()])?;
        Ok((answer.text("tree").to_owned(), answer.text("heads").to_owned()))
    }
}

fn name_of(command: &Command) -> String {
    let words: Vec<String> =
        command.get_args().map(|word| word.to_string_lossy().chars().take(80).collect()).collect();
    words.join(" ")
}

fn run(command: &mut Command, input: &str) -> io::Result<std::process::Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input closes it, which is no failure of ours.
        let _unread = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}
