//! What the window says. Sentence case; `…` where a button asks for more.

pub(crate) const APP: &str = "Weft";

// First run.
pub(crate) const WELCOME: &str = "Edit one folder together, without a server";
pub(crate) const WELCOME_MORE: &str = "Everything stays on the devices of those who share it. Nothing leaves this device until you invite somebody.";
pub(crate) const OPEN_FOLDER: &str = "Open a folder";
pub(crate) const OPEN_FOLDER_MORE: &str = "Write in a folder on this device, and share it when you like.";
pub(crate) const JOIN: &str = "Join with a ticket";
pub(crate) const JOIN_MORE: &str = "Somebody has sent you a ticket: a long line of letters and digits.";
pub(crate) const LINK_DEVICE: &str = "Link this device";
pub(crate) const LINK_DEVICE_MORE: &str =
    "Use your own name here too. Your first device makes the ticket: “My devices”, “Link another device”.";
pub(crate) const RECENT: &str = "Recent folders";
pub(crate) const FOLDER_PATH: &str = "Path of the folder";
pub(crate) const FOLDER_PATH_HINT: &str = "/home/you/project";
pub(crate) const OPEN: &str = "Open";
pub(crate) const BACK: &str = "Back";
pub(crate) const TICKET: &str = "Ticket";
pub(crate) const TICKET_HINT: &str = "Paste the ticket here";
pub(crate) const TARGET_FOLDER: &str = "Folder for the files";
pub(crate) const LOOK_UP: &str = "Look up";
pub(crate) const JOIN_NOW: &str = "Join";
pub(crate) const JOINING: &str = "Joining …";
pub(crate) const COMPARE_SIGNS: &str = "Compare these signs with whoever invites you:";

// The folder.
pub(crate) const NOT_SHARED: &str = "This folder is not a workspace yet";
pub(crate) const NOT_SHARED_MORE: &str = "Weft keeps the history of its text files from then on. Nothing is put into the folder, and nothing leaves this \
     device until you share it.";
pub(crate) const MAKE_WORKSPACE: &str = "Make it a workspace";
pub(crate) const MAKING_WORKSPACE: &str = "Reading the folder …";
pub(crate) const EMPTY_FOLDER: &str = "This folder is empty.";
pub(crate) const LOADING: &str = "Loading …";
pub(crate) const NO_FILE: &str = "No file is open";
pub(crate) const CANNOT_OPEN: &str = "This file cannot be edited here";
pub(crate) const TRY_AGAIN: &str = "Try again";

pub(crate) const OTHER_PROGRAM: &str = "open it with its own program; the whole file is shared";
pub(crate) const ONLY_MARKDOWN: &str = "Only Markdown has a preview";
pub(crate) const TOO_LONG_TO_PREVIEW: &str = "This text is too long to be shown as it is read.";
pub(crate) const NOT_LOADED: &str = "Pictures from elsewhere are not loaded";
pub(crate) const NEW_FILE: &str = "New file";
pub(crate) const NEW_FOLDER: &str = "New folder";
pub(crate) const RENAME: &str = "Rename";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const DELETE_MORE: &str = "It is deleted for everybody in the workspace.";
pub(crate) const DELETE_PLAIN_MORE: &str = "It is deleted from the disk.";
pub(crate) const NO_NEW_FILE: &str = "The file was not made";
pub(crate) const NO_NEW_FOLDER: &str = "The folder was not made";
pub(crate) const NOT_RENAMED: &str = "It was not renamed";
pub(crate) const NOT_DELETED: &str = "It was not deleted, or not all of it";
pub(crate) const NOT_COPIED: &str = "Not everything was copied";
pub(crate) const FILES: &str = "Files";
pub(crate) const NAME: &str = "Name";
pub(crate) const DROP_HERE: &str = "Drop files to copy them into the folder";

pub(crate) const CONTINUE: &str = "Continue";
pub(crate) const KEY_IN_FILE: &str = "Without a passphrase";
pub(crate) const PASSPHRASE_MORE: &str = "Your system has no keyring. Without a passphrase the key lies in a file that only you can read: whoever takes the disk can read your data.";

// Overlays.
pub(crate) const PALETTE: &str = "Commands";
pub(crate) const PALETTE_HINT: &str = "Type a command";
pub(crate) const QUICK_OPEN: &str = "Go to file";
pub(crate) const QUICK_OPEN_HINT: &str = "File name, or : line, @ symbol, / text, > command";
pub(crate) const NO_MATCH: &str = "Nothing fits";
pub(crate) const THEMES: &str = "Colour theme";
pub(crate) const MEANING_EMPTY: &str = "Type in words what it is about.";
pub(crate) const SYMBOLS_EMPTY: &str = "Type the name of what is defined, or some of its letters.";

// Finding.
pub(crate) const FIND: &str = "Find";
pub(crate) const REPLACE: &str = "Replace";
pub(crate) const REPLACE_ALL: &str = "All";
pub(crate) const MATCH_CASE: &str = "Match case";
pub(crate) const WHOLE_WORD: &str = "Match whole word";
pub(crate) const REGEX: &str = "Use regular expression";
pub(crate) const IN_SELECTION: &str = "Find in selection";
pub(crate) const PREVIOUS: &str = "Previous place";
pub(crate) const NEXT: &str = "Next place";
pub(crate) const CLOSE: &str = "Close";
pub(crate) const NO_RESULTS: &str = "No results";
pub(crate) const SEARCH_FOLDER: &str = "Search in the folder";
pub(crate) const SEARCH_EMPTY: &str = "Type what to look for and press Enter. Ignored files are left out.";
pub(crate) const SEARCHING: &str = "Searching …";
pub(crate) const SEARCH_RESULTS: &str = "What was found";
pub(crate) const LANGUAGES: &str = "Language of this file";
pub(crate) const LANGUAGE_BY_NAME: &str = "As its name says";
pub(crate) const LANGUAGE_NOW: &str = "in use";
pub(crate) const OWN_FILE_GONE: &str = "ask for it in the palette again: then it is made anew";
pub(crate) const SEARCH_KIND: &str = "Look for";
pub(crate) const REPLACE_IN_FILES: &str = "Replace in files";
pub(crate) const REPLACE_WITH: &str = "Replace with";
pub(crate) const SHOW_REPLACEMENT: &str = "Show what changes";
pub(crate) const REPLACING: &str = "Replacing …";
pub(crate) const NOTHING_TO_REPLACE: &str = "Nothing would change.";
pub(crate) const MORE_TO_REPLACE: &str = "There are more files: they come after these.";
pub(crate) const MORE_LINES: &str = "… and more lines";

// People.
pub(crate) const SHARE: &str = "Share";
pub(crate) const SHARE_MORE: &str = "Share…";
pub(crate) const SHARE_EMPTY: &str = "Make a ticket and send it to somebody. Whoever comes with it waits until you have compared six signs with them.";
pub(crate) const ROLE: &str = "They come as";
pub(crate) const LASTS: &str = "The ticket works for";
pub(crate) const USES: &str = "For how many people";
pub(crate) const MAKE_TICKET: &str = "Make a ticket";
pub(crate) const COPY: &str = "Copy";
pub(crate) const OPEN_INVITATIONS: &str = "Open invitations";
pub(crate) const SOMEBODY: &str = "Somebody";
pub(crate) const SHARE_TO_SEE: &str = "“Share…” shows the signs to compare";
pub(crate) const WAITING: &str = "Waiting to be let in";
pub(crate) const LET_IN: &str = "Let in";
pub(crate) const REFUSE: &str = "Refuse";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const MEMBERS: &str = "Members";
pub(crate) const PUT_OUT: &str = "Put out…";
pub(crate) const PUT_OUT_NOW: &str = "Put out now";
pub(crate) const PUT_OUT_MORE: &str = "They can read nothing that is written from then on, and nothing they write counts. What they have stays with them.";
pub(crate) const YOU: &str = "you";
pub(crate) const THIS_DEVICE: &str = "this device";
pub(crate) const SYNC_STATE: &str = "Sync state";
pub(crate) const NOBODY_TO_FOLLOW: &str = "Nobody else is here to follow";
pub(crate) const FOLLOWING: &str = "Following";
pub(crate) const ALONE: &str = "Nobody else is in this workspace yet.";

pub(crate) const REACH: &str = "Who can reach this device";
pub(crate) const REACH_LAN: &str = "Devices on this network";
pub(crate) const REACH_LAN_MORE: &str = "They find each other; nothing is sent anywhere else.";
pub(crate) const REACH_RELAY: &str = "Also through a relay";
pub(crate) const REACH_RELAY_MORE: &str = "For devices that no address reaches. A relay sees which devices talk, when and how much, and never what: everything is encrypted between the devices. Name one that you run or trust; Weft brings none along.";
pub(crate) const RELAY_URL: &str = "Address of the relay";
pub(crate) const RELAY_URL_HINT: &str = "https://relay.example.org";
pub(crate) const USE_RELAY: &str = "Use this relay";
pub(crate) const RELAY_OF_OTHER_NODE: &str = "The node runs outside of this window: it goes on as it was started until it is started again with `weft node --relay`.";

// Devices.
pub(crate) const DEVICES: &str = "My devices";
pub(crate) const LINK_ANOTHER: &str = "Link another device";
pub(crate) const LINK_ANOTHER_MORE: &str = "It becomes yours, with your name, and comes into all your workspaces. Open Weft there and choose “Link this device”.";
pub(crate) const LINK_ANOTHER_NOW: &str = "Make a ticket for it";
pub(crate) const PUT_OUT_DEVICE_MORE: &str = "For a device that was lost or sold. It goes out of all your workspaces and can read nothing that is written from then on; what it has stays on it.";
pub(crate) const RECOVERY: &str = "If all devices are lost";
pub(crate) const KEY_HERE: &str =
    "24 words on paper bring everything back. They are not written down yet, as far as this device knows.";
pub(crate) const KEY_HERE_AND_PAPER: &str =
    "24 words on paper bring everything back. You have written them down.";
pub(crate) const KEY_ON_PAPER: &str = "Your key is in the 24 words on paper and nowhere else.";
pub(crate) const KEY_ELSEWHERE: &str =
    "Your key is not on this device: it is on your first one, or on paper.";
pub(crate) const SHOW_WORDS: &str = "Show the 24 words…";
pub(crate) const WORDS_MORE: &str = "Write them on paper, in this order. Whoever has them is you: keep them where no camera and no program sees them.";
pub(crate) const CHECK_WORDS: &str = "Type them from the paper to check them";
pub(crate) const CHECK: &str = "Check";
pub(crate) const WORDS_ARE_RIGHT: &str = "These are the right words.";
pub(crate) const PAPER_ONLY: &str = "Keep the key on paper only…";
pub(crate) const PAPER_ONLY_NOW: &str = "Take it off this device";
pub(crate) const PAPER_ONLY_MORE: &str = "Without the key on it, a stolen device cannot pretend to be you. You need the paper to link a device from then on.";
pub(crate) const ON_PAPER_NOW: &str = "The key is on paper only";
pub(crate) const LINKED: &str = "This device is yours now";
pub(crate) const LINK_NOW: &str = "Link it now";
pub(crate) const PARENT_FOLDER: &str = "Folder in which each workspace gets one of its own";
pub(crate) const LINKING: &str = "Linking …";

// The past.
pub(crate) const HISTORY: &str = "History";
pub(crate) const HISTORY_EMPTY: &str = "Nobody has edited this file yet. Its first edit begins its history.";
pub(crate) const HISTORY_NO_FILE: &str = "Open a file to see its past.";
pub(crate) const RESTORE: &str = "Restore this text";
pub(crate) const CHANGES_SINCE: &str = "Changes since";
pub(crate) const WHOLE_TEXT: &str = "Whole text";
pub(crate) const NO_CHANGES: &str = "The text is the same now.";
pub(crate) const TOO_LONG_TO_COMPARE: &str = "The text is too long to be compared.";
pub(crate) const RESTORE_LINES: &str = "Restore these lines";
pub(crate) const LINES_HAVE_CHANGED: &str = "These lines are others by now; nothing was changed";
pub(crate) const RESTORE_MORE: &str = "It comes back as a new edit; the past stays as it was.";
pub(crate) const RESTORED: &str = "The old text is back, as a new edit.";

// Models.
pub(crate) const CHAT: &str = "Chat";
pub(crate) const CHAT_EMPTY: &str = "Ask about the files of this folder, have the lines that you selected edited, or have a change of several files proposed. Nothing is changed before you accept it.";
pub(crate) const CHAT_MENTIONS: &str = "The model is shown what you name: @path or @path:10-20, @symbol:name, @selection, @diff for what changed in the last day, @docs for the parts of documents that fit. It may change the files that you name, and make new ones. / at the start names a template, such as /explain.";
pub(crate) const NO_MODEL: &str = "There is no model for chats on this device";
pub(crate) const NO_MODEL_MORE: &str = "Weft brings none along. Take in a model file that you have (GGUF), let Weft fetch one, or name a server: then you can ask, have lines edited, and get ghost text. A model of 1 to 2 GB, such as Qwen2.5-Coder 1.5B, runs on most laptops.";
pub(crate) const GHOSTS: &str = "Ghost text while you type";
pub(crate) const GHOSTS_TO_SERVER: &str =
    "From then on the text around the caret is sent there whenever you pause while typing in this workspace.";
pub(crate) const SEND_GHOSTS: &str = "Send text while I type";
pub(crate) const SEND_NOTHING: &str = "Send nothing";
pub(crate) const NO_GHOSTS: &str = "There is no ghost text now";
pub(crate) const NO_OTHER_GHOST: &str = "The model has nothing else to propose here";
pub(crate) const ANSWER_IN_CHAT: &str = "“Toggle chat” shows what would be sent, and asks you";
pub(crate) const YOU_ASKED: &str = "You asked";
pub(crate) const YOU_WANT_LINES: &str = "You want the selection edited";
pub(crate) const YOU_WANT_FILES: &str = "You want files changed";
pub(crate) const STOPPED: &str = "Stopped.";
pub(crate) const RETRY: &str = "Retry";
pub(crate) const STOP: &str = "Stop";
pub(crate) const SEND: &str = "Send";
pub(crate) const SEND_IT: &str = "Send it";
pub(crate) const ONCE_FOR_WORKSPACE: &str = "You are asked once for this workspace and server.";
pub(crate) const MODEL_READS: &str = "The model reads …";
pub(crate) const MODEL_WRITES: &str = "The model writes …";
pub(crate) const NOTHING_SAID: &str = "The model has said nothing.";
pub(crate) const CUT_SHORT: &str = "cut short";
pub(crate) const WAS_SHOWN: &str = "Was shown";
pub(crate) const WAS_NOT_SHOWN: &str = "Was not shown";
pub(crate) const TASK_ASK: &str = "Ask";
pub(crate) const TASK_EDIT: &str = "Edit selection";
pub(crate) const TASK_CHANGE: &str = "Change files";
pub(crate) const MESSAGE: &str = "Message to the model";
pub(crate) const MESSAGE_HINT: &str = "Write here; @ names what the model sees, / a template";
pub(crate) const FORGET_CHAT: &str = "New conversation";
pub(crate) const NOTHING_TO_EDIT: &str = "Open a file and select lines first";
pub(crate) const NOTHING_PROPOSED: &str = "The model proposes no change.";
pub(crate) const ACCEPT_CHOSEN: &str = "Accept chosen";
pub(crate) const DISCARD: &str = "Discard";
pub(crate) const DISCARDED: &str = "Discarded; nothing of it was changed.";
pub(crate) const CHOOSE_CHANGES: &str = "Choose changes to accept them.";
pub(crate) const HUNK_MADE: &str = "made";
pub(crate) const HUNK_OUTDATED: &str = "left alone, its text is another by now";
pub(crate) const HUNK_DOUBTFUL: &str = "Not chosen by itself";
pub(crate) const HUNK_LEFT: &str = "not made";
pub(crate) const OUTDATED: &str =
    "somebody has changed their lines since the model read them; retry to have it read them again";

pub(crate) const MODEL_IS_BUSY: &str = "The model still answers: stop it first";
pub(crate) const TEMPLATES_ARE: &str =
    "type / to see which there are; files prompts/NAME.txt in the data folder are your own";
pub(crate) const WAITS_FOR_EDITS: &str = "It is sent as soon as your last edits are kept …";
pub(crate) const USUAL_MODEL: &str = "chosen for chats";
pub(crate) const NO_USUAL_MODEL: &str = "No model is chosen";
pub(crate) const ANSWERED_BY: &str = "Answered by";
pub(crate) const CHAT_NOT_KEPT: &str = "The conversation is not kept";
pub(crate) const CONVERSATIONS: &str = "Earlier conversations";
pub(crate) const CONVERSATIONS_MORE: &str =
    "Kept encrypted on this device, the last hundred of each workspace.";
pub(crate) const DELETE_NOW: &str = "Delete now";

// The page of models.
pub(crate) const MODELS: &str = "Models";
pub(crate) const MODELS_MORE: &str = "Models…";
pub(crate) const ROLES: &str = "Who is asked";
pub(crate) const ROLE_COMPLETION: &str = "Ghost text";
pub(crate) const ROLE_CHAT: &str = "Chat and edits";
pub(crate) const ROLE_EMBEDDING: &str = "Search by meaning";
pub(crate) const NOBODY_FOR_COMPLETION: &str = "Nobody: nothing is proposed while you type.";
pub(crate) const NOBODY_FOR_CHAT: &str = "Nobody: questions and edits have no answer.";
pub(crate) const NOBODY_FOR_EMBEDDING: &str = "Nobody: search finds words, and not what they mean.";
pub(crate) const IS_SERVER: &str = "a server";
pub(crate) const AI_LOCAL_ONLY: &str = "Only models on the members’ own devices";
pub(crate) const AI_LOCAL_ONLY_MORE: &str =
    "Then nothing of this workspace is sent to a server, by anybody in it.";
pub(crate) const AI_LOCAL_ONLY_ADMIN: &str = "An admin of the workspace can change this.";
pub(crate) const AI_LOCAL_BADGE: &str = "AI on this device only";
pub(crate) const AI_LOCAL_BADGE_MORE: &str =
    "No text of this workspace is sent to a server for AI. Click to see who is asked.";
pub(crate) const MODELS_HERE: &str = "On this device";
pub(crate) const NO_MODELS_HERE: &str = "There is no model on this device yet.";
pub(crate) const ASK_FOR: &str = "Ask it for";
pub(crate) const IN_MEMORY: &str = "in memory now";
pub(crate) const VERIFY: &str = "Check";
pub(crate) const VERIFY_MORE: &str = "Computes the SHA-256 of its file again";
pub(crate) const REMOVE: &str = "Remove…";
pub(crate) const REMOVE_NOW: &str = "Remove now";
pub(crate) const REMOVE_MODEL_MORE: &str = "Its file is deleted from this device. What it wrote stays.";
pub(crate) const SHARE_MODEL: &str = "Share";
pub(crate) const SHARE_MODEL_STOP: &str = "Stop sharing";
pub(crate) const GET_A_MODEL: &str = "Get a model";
pub(crate) const MODEL_PLACE: &str = "Model file (GGUF), or its address";
pub(crate) const MODEL_PLACE_HINT: &str = "/home/you/model.gguf or https://…";
pub(crate) const GET_MODEL: &str = "Get this model";
pub(crate) const MODEL_SHA256: &str = "SHA-256 that it must have (may be empty)";
pub(crate) const MODEL_SHA256_HINT: &str = "64 digits and letters";
pub(crate) const MODEL_SHA256_WRONG: &str = "A SHA-256 has 64 of the digits 0–9 and the letters a–f.";
pub(crate) const OFFERS: &str = "From members of this workspace";
pub(crate) const OFFERS_MORE: &str =
    "A model that somebody shares here is fetched from their device, without the internet.";
pub(crate) const LOOK_FOR_OFFERS: &str = "Look who shares one";
pub(crate) const NO_OFFERS: &str = "Nobody who is connected shares a model here.";
pub(crate) const IS_HERE: &str = "is here already";
pub(crate) const FETCH: &str = "Fetch";
pub(crate) const HARDWARE: &str = "This device";
pub(crate) const SERVERS: &str = "Servers";
pub(crate) const SERVERS_MORE: &str = "Off until you add one. Nothing of a workspace is sent before you have agreed once for it; the key lies in this device’s encrypted store.";
pub(crate) const SERVERS_REFUSED: &str = "This workspace asks no servers.";
pub(crate) const ADD_SERVER: &str = "Add a server…";
pub(crate) const ADD_SERVER_NOW: &str = "Add it";
pub(crate) const SERVER_NAME: &str = "Name";
pub(crate) const SERVER_NAME_HINT: &str = "lab";
pub(crate) const SERVER_OPENAI: &str = "OpenAI-compatible";
pub(crate) const SERVER_ANTHROPIC: &str = "Anthropic";
pub(crate) const SERVER_URL: &str = "Address (empty for the maker’s own)";
pub(crate) const SERVER_URL_HINT: &str = "http://10.0.0.7:11434/v1";
pub(crate) const SERVER_MODEL: &str = "Model";
pub(crate) const SERVER_MODEL_HINT: &str = "qwen2.5-coder:7b";
pub(crate) const SERVER_KEY: &str = "Key (may be empty)";
pub(crate) const TEST_SERVER: &str = "Ask for a word";
pub(crate) const REMOVE_SERVER_MORE: &str = "Its address and its key are forgotten.";
pub(crate) const TOO_MUCH_MODEL_WORK: &str = "Too much is done with models at once: wait for some of it";
pub(crate) const DISMISS: &str = "Dismiss it";

// Settings.
pub(crate) const SETTINGS_NOT_CHANGED: &str = "The file of the settings cannot be changed";
pub(crate) const SETTINGS: &str = "Settings";
pub(crate) const SETTINGS_MORE: &str = "Kept as TOML, and read again whenever the file changes:";

// Status.
pub(crate) const STARTING: &str = "Starting …";
pub(crate) const LOCAL_ONLY: &str = "Only on this device";
pub(crate) const EVERYBODY_HAS: &str = "Everyone has your edits";
pub(crate) const NOT_A_WORKSPACE: &str = "Not a workspace";
pub(crate) const PLAIN_TEXT: &str = "Plain text";

// Failures.
pub(crate) const PANEL_FAILED: &str = "This part of the window has failed";
pub(crate) const PANEL_FAILED_MORE: &str = "The rest goes on, and everything that was typed is kept.";
pub(crate) const NO_NODE: &str = "There is no node to talk to";
pub(crate) const NOT_BUILT: &str = "is not built yet";
