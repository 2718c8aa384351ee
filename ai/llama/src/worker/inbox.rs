//! What the node says, read on a thread of its own so that it is seen between two steps.

use std::{
    io::{BufReader, stdin},
    sync::mpsc::{Receiver, TryRecvError, sync_channel},
};

use weft_ai::{
    limits::REQUESTS_MAX,
    pipe::{ToWorker, read_message},
};

pub(super) struct Inbox(Receiver<ToWorker>);

/// What is there when nobody waits.
pub(super) enum Found {
    Message(ToWorker),
    Nothing,
    Closed,
}

impl Inbox {
    pub(super) fn start() -> Self {
        let (sender, receiver) = sync_channel(REQUESTS_MAX);
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdin());
            while let Ok(Some(message)) = read_message(&mut reader) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// Waits for the next message; `None` when the node is gone.
    pub(super) fn wait(&self) -> Option<ToWorker> {
        self.0.recv().ok()
    }

    pub(super) fn look(&self) -> Found {
        match self.0.try_recv() {
            Ok(message) => Found::Message(message),
            Err(TryRecvError::Empty) => Found::Nothing,
            Err(TryRecvError::Disconnected) => Found::Closed,
        }
    }
}
