//! Downloads a model: goes on where it broke off, and checks what came before it is used.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    time::Duration,
};

use futures_util::StreamExt as _;
use reqwest::{StatusCode, Url, header};

use super::folder::{ModelFolder, ModelRecord, ModelsError, has_room, is_checksum};

/// The largest model that is downloaded.
const DOWNLOAD_BYTES_MAX: u64 = 1 << 40;
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);
/// A server that sends nothing for so long is given up; the same command goes on where it was.
const SILENCE_MAX: Duration = Duration::from_secs(60);

fn failed(what: impl std::fmt::Display) -> ModelsError {
    ModelsError::Download(what.to_string())
}

/// Downloads from `url`; `progress` is told of bytes and of how many there are.
pub(crate) async fn download(
    folder: &ModelFolder,
    url: &str,
    sha256: Option<&str>,
    id: Option<&str>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<ModelRecord, ModelsError> {
    let url = checked_url(url)?;
    let wanted = sha256.map(|sum| sum.trim().to_ascii_lowercase());
    if let Some(sum) = wanted.as_deref().filter(|sum| !is_checksum(sum)) {
        return Err(failed(format!("{sum:?} is no SHA-256: 64 hexadecimal digits")));
    }
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or("model");
    let id = folder.free_id(id, last.trim_end_matches(".gguf"))?;
    let name = blake3::hash(url.as_str().as_bytes()).to_hex();
    let partial = folder.partial(&format!("download-{}", &name[..16]));
    if let Some(parent) = partial.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fetch(&url, &partial, progress).await?;
    let (folder, shown) = (folder.clone(), url.to_string());
    let checked = tokio::task::spawn_blocking(move || folder.take_checked(&partial, wanted, id, shown));
    checked.await.map_err(failed)?
}

/// Plain http only on this device, where nobody stands between.
fn checked_url(url: &str) -> Result<Url, ModelsError> {
    let url = Url::parse(url).map_err(|error| failed(format!("{url:?} is no address: {error}")))?;
    let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err(failed("models are downloaded with https")),
    }
}

async fn fetch(
    url: &Url,
    partial: &std::path::Path,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<(), ModelsError> {
    // The same cryptography as the network's; when it is set already that is as well.
    let _set = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .read_timeout(SILENCE_MAX)
        .build()
        .map_err(failed)?;
    let have = fs::metadata(partial).map_or(0, |facts| facts.len());
    let mut request = client.get(url.clone());
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let answer =
        request.send().await.map_err(|error| failed(format!("the server cannot be reached: {error}")))?;
    let status = answer.status();
    if status == StatusCode::RANGE_NOT_SATISFIABLE && have > 0 {
        // It is complete already, or another file by now: the checksum tells.
        return Ok(());
    }
    if !status.is_success() {
        return Err(failed(format!("the server answers {status}")));
    }
    let goes_on = status == StatusCode::PARTIAL_CONTENT;
    let mut done = if goes_on { have } else { 0 };
    let total = done.saturating_add(answer.content_length().unwrap_or(0));
    if total > DOWNLOAD_BYTES_MAX {
        return Err(failed(format!(
            "the server offers {total} bytes, at most {DOWNLOAD_BYTES_MAX} are taken"
        )));
    }
    has_room(partial, total.saturating_sub(done))?;
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(goes_on)
        .truncate(!goes_on)
        .open(partial)
        .map_err(failed)?;
    let mut blocks = answer.bytes_stream();
    while let Some(block) = blocks.next().await {
        let block = block.map_err(|error| failed(format!("the connection broke off: {error}")))?;
        done += block.len() as u64;
        if done > DOWNLOAD_BYTES_MAX {
            return Err(failed(format!("the server sends more than {DOWNLOAD_BYTES_MAX} bytes")));
        }
        // Blocks are small, and the disk's cache takes them.
        file.write_all(&block).map_err(failed)?;
        progress(done, total.max(done));
    }
    file.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_change_on_its_way() {
        assert!(checked_url("https://example.org/a.gguf").is_ok());
        assert!(checked_url("http://127.0.0.1:8080/a.gguf").is_ok());
        for wrong in ["http://example.org/a", "file:///etc/passwd", "ftp://a/b", "no address"] {
            assert!(checked_url(wrong).is_err(), "{wrong}");
        }
    }
}
