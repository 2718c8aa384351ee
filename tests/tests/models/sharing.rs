//! Models that members of a workspace fetch from each other, with real nodes.

use std::fs;

use weft_test_models::tiny;
use weft_tests::{PATIENCE, Pair, eventually};

/// Ana has two models and shares the first one.
fn shared_by_ana() -> (Pair, Vec<u8>) {
    let pair = Pair::with_files(&[("plan.md", b"plan\n")]);
    let ana = &pair.ana.device;
    let model = tiny::model(1);
    for (name, bytes) in [("tiny", &model), ("own", &tiny::model(2))] {
        fs::write(ana.place.join(format!("{name}.gguf")), bytes).expect("a file");
        ana.weft(["ai", "models", "import", &format!("{name}.gguf")]).expect("a model");
    }
    let shared = ana.weft(["ai", "models", "share", "tiny", "notes"]).expect("a shared model");
    assert_eq!(shared.field("shared_in"), &serde_json::json!(["notes"]));
    (pair, model)
}

#[test]
fn a_model_of_a_colleague_is_listed_fetched_and_used() {
    let (pair, model) = shared_by_ana();
    let (ana, ben) = (&pair.ana.device, &pair.ben.device);
    let offered = ben.weft(["ai", "models", "offers", "notes"]).expect("a list");
    let models = offered.field("models").as_array().expect("models").clone();
    assert_eq!(
        (models.len(), models[0]["id"].as_str()),
        (1, Some("tiny")),
        "only what is shared: {models:?}"
    );
    assert_eq!(models[0]["holders"][0]["user_name"], "Ana");
    assert_eq!(models[0]["is_here"], false);
    // The beginning has come before, when the connection broke off.
    let sha256 = models[0]["sha256"].as_str().expect("a checksum").to_owned();
    let partial = ben.home.join("models").join(format!("shared-{}.part", &sha256[..16]));
    fs::create_dir_all(partial.parent().expect("a folder")).expect("a folder");
    fs::write(&partial, &model[..model.len() / 2]).expect("a part");
    let got = ben.weft(["ai", "models", "get", "tiny", "notes"]).expect("a model");
    assert_eq!((got.text("id"), got.text("sha256")), ("tiny", sha256.as_str()));
    assert_eq!(got.text("source"), "Ana in notes");
    assert_eq!(fs::read(ben.home.join("models").join(format!("{sha256}.gguf"))).expect("a file"), model);
    assert!(!partial.exists());
    ben.weft(["ai", "models", "verify"]).expect("a right model");
    let again = ben.weft(["ai", "models", "get", &sha256[..12], "notes"]).expect("the same");
    assert_eq!(again.text("id"), "tiny");
    let text = ben.shown(["ai", "models", "offers", "notes"]).expect("text");
    assert!(text.contains("Ana · laptop") && text.contains("here"), "{text}");
    // He passes it on, and she ends it.
    ben.weft(["ai", "models", "share", "tiny", "notes"]).expect("a shared model");
    ana.weft(["ai", "models", "share", "tiny", "notes", "--stop"]).expect("no more");
    let offered = ana.weft(["ai", "models", "offers", "notes"]).expect("a list");
    assert_eq!(offered.field("models")[0]["holders"][0]["user_name"], "Ben");
    let offered = ben.weft(["ai", "models", "offers", "notes"]).expect("a list");
    assert!(offered.field("models").as_array().expect("models").is_empty(), "nobody else has one now");
}

#[test]
fn what_comes_instead_of_a_shared_model_is_thrown_away() {
    let (pair, model) = shared_by_ana();
    let (ana, ben) = (&pair.ana.device, &pair.ben.device);
    let offered = ben.weft(["ai", "models", "offers", "notes"]).expect("a list");
    let sha256 = offered.field("models")[0]["sha256"].as_str().expect("a checksum").to_owned();
    // A beginning that is none of it: the whole does not match its name.
    let partial = ben.home.join("models").join(format!("shared-{}.part", &sha256[..16]));
    fs::create_dir_all(partial.parent().expect("a folder")).expect("a folder");
    fs::write(&partial, vec![7; model.len() / 2]).expect("a part");
    let refused = ben.weft(["ai", "models", "get", "tiny", "notes"]).expect_err("another file");
    assert!(refused.message.contains("SHA-256"), "{refused}");
    assert!(!partial.exists(), "and what came is gone");
    assert_eq!(fs::read_dir(ben.home.join("models")).expect("a folder").count(), 0);
    ben.weft(["ai", "models", "get", "tiny", "notes"]).expect("the right one");
    // A file that has changed is not passed on.
    let file = ana.home.join("models").join(format!("{sha256}.gguf"));
    fs::remove_file(&file).expect("a file");
    fs::write(&file, &model[1..]).expect("a file");
    let offered = ben.weft(["ai", "models", "offers", "notes"]).expect("a list");
    assert!(offered.field("models").as_array().expect("models").is_empty());
}

#[test]
fn models_are_for_those_who_may_read_and_are_there() {
    let (mut pair, _) = shared_by_ana();
    let missing = pair.ben.device.weft(["ai", "models", "get", "own", "notes"]).expect_err("not shared");
    assert!(missing.message.contains("shares a model \"own\""), "{missing}");
    pair.ben.stop();
    let alone = pair.ben.device.weft(["ai", "models", "get", "tiny", "notes"]).expect_err("no node");
    assert!(alone.message.contains("no node runs"), "{alone}");
    pair.ben.start();
    let is_offered = |pair: &Pair| {
        let offered = pair.ben.device.weft(["ai", "models", "offers", "notes"]).ok()?;
        (offered.field("models").as_array()?.len() == 1).then_some(())
    };
    eventually(PATIENCE, || is_offered(&pair)).expect("the model again");
    pair.ana.device.weft(["role", "Ben", "keeper", "notes"]).expect("a keeper");
    let refused = eventually(PATIENCE, || {
        let offered = pair.ben.device.weft(["ai", "models", "offers", "notes"]).ok()?;
        let is_nothing = offered.field("models").as_array()?.is_empty();
        (is_nothing && offered.number("devices_asked") == 1.0).then_some(())
    });
    refused.expect("Ana is asked, and tells a keeper nothing");
    pair.ana.stop();
}
