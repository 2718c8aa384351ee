//! Reading pictures, without letting a file take the memory.

use std::{fs, path::Path, sync::Arc};

use eframe::egui::ColorImage;
use image::{ImageDecoder as _, ImageReader, Limits, imageops::FilterType};

use super::Picture;
use crate::limits::{
    PICTURE_FILE_BYTES_MAX, PICTURE_MEMORY_BYTES_MAX, PICTURE_SHOWN_SIDE_MAX, PICTURE_SIDE_MAX,
};

/// Whether a file is shown as a picture, by its name.
pub(crate) fn is_picture(path: &str) -> bool {
    let end = path.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    matches!(end.as_str(), "png" | "jpg" | "jpeg" | "gif" | "webp")
}

/// Reads a picture; of one that moves, the first frame. Else says why not.
pub(super) fn read(path: &Path) -> Result<Picture, String> {
    let bytes = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if bytes > PICTURE_FILE_BYTES_MAX {
        let most = PICTURE_FILE_BYTES_MAX / 1_000_000;
        return Err(format!("the picture has {} MB; up to {most} MB are shown", bytes / 1_000_000));
    }
    let reader = ImageReader::open(path).map_err(|error| error.to_string())?;
    let mut reader = reader.with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(PICTURE_MEMORY_BYTES_MAX);
    reader.limits(limits);
    let not_read = |error: image::ImageError| format!("the picture cannot be read: {error}");
    let mut decoder = reader.into_decoder().map_err(not_read)?;
    let orientation = decoder.orientation().map_err(not_read)?;
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(not_read)?;
    picture.apply_orientation(orientation);
    let size = [picture.width(), picture.height()];
    if size[0].max(size[1]) > PICTURE_SHOWN_SIDE_MAX {
        picture = picture.resize(PICTURE_SHOWN_SIDE_MAX, PICTURE_SHOWN_SIDE_MAX, FilterType::Triangle);
    }
    let points = picture.into_rgba8();
    let shown = [points.width() as usize, points.height() as usize];
    let image = ColorImage::from_rgba_unmultiplied(shown, points.as_raw());
    Ok(Picture { image: Arc::new(image), size, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, RgbaImage};

    fn written(name: &str, width: u32, height: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let format = ImageFormat::from_path(&path).unwrap();
        let picture = RgbaImage::from_pixel(width, height, image::Rgba([200, 100, 50, 255]));
        let picture = image::DynamicImage::from(picture);
        match format {
            ImageFormat::Jpeg => picture.into_rgb8().save_with_format(&path, format).unwrap(),
            _ => picture.save_with_format(&path, format).unwrap(),
        }
        (folder, path)
    }

    #[test]
    fn the_usual_kinds_are_read() {
        for name in ["a.png", "a.jpg", "a.gif", "a.webp"] {
            assert!(is_picture(name));
            let (_folder, path) = written(name, 20, 10);
            let picture = read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((picture.size, picture.image.size), ([20, 10], [20, 10]), "{name}");
        }
        assert!(!is_picture("a.rs") && !is_picture("png"));
    }

    #[test]
    fn a_picture_takes_no_more_memory_than_it_may() {
        let (_folder, path) = written("wide.png", PICTURE_SHOWN_SIDE_MAX + 1, 3);
        let picture = read(&path).unwrap();
        assert_eq!(picture.size[0], PICTURE_SHOWN_SIDE_MAX + 1);
        assert!(picture.image.size[0] <= PICTURE_SHOWN_SIDE_MAX as usize);
        let (_folder, path) = written("wider.png", PICTURE_SIDE_MAX + 1, 1);
        assert!(read(&path).is_err());
        // A small file that says it is large: each side may be, all of it may not.
        let side = PICTURE_SIDE_MAX;
        assert!(u64::from(side) * u64::from(side) * 4 > PICTURE_MEMORY_BYTES_MAX);
        let (_folder, path) = written("bomb.png", 1, 1);
        let mut bytes = fs::read(&path).unwrap();
        bytes[16..20].copy_from_slice(&side.to_be_bytes());
        bytes[20..24].copy_from_slice(&side.to_be_bytes());
        fs::write(&path, &bytes).unwrap();
        assert!(read(&path).is_err());
        let large = path.with_file_name("large.png");
        fs::File::create(&large).unwrap().set_len(PICTURE_FILE_BYTES_MAX + 1).unwrap();
        assert!(read(&large).unwrap_err().contains("MB"));
    }

    #[test]
    fn what_is_no_picture_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        fs::write(&path, "no picture").unwrap();
        assert!(read(&path).is_err());
        let (_folder, path) = written("cut.png", 50, 50);
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len().min(90) {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(read(&path).is_err(), "cut at {length}");
        }
    }
}
