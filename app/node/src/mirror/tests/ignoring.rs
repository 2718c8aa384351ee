//! What is not shared.

use std::fs;

use super::*;

fn files(bench: &Bench) -> Vec<String> {
    let files = bench.mirror.rows().filter(|row| row.kind == Kind::File);
    files.map(|row| row.path.to_string()).collect()
}

#[test]
fn ignore_files_work_as_in_git() {
    let bench = Bench::with_files(&[
        (".gitignore", "*.o\n/build/\ntmp/\n!keep.o\ndoc/*.pdf\n# comment\n\\#odd\n"),
        ("a.o", ""),
        ("keep.o", ""),
        ("src/b.o", ""),
        ("src/b.c", ""),
        ("build/x", ""),
        ("src/build/y", ""),
        ("tmp/z", ""),
        ("src/tmp/z", ""),
        ("src/tmp2", ""),
        ("doc/a.pdf", ""),
        ("doc/sub/b.pdf", ""),
        ("#odd", ""),
        ("sub/.gitignore", "!*.o\nlocal\n"),
        ("sub/c.o", ""),
        ("sub/local", ""),
        ("local", ""),
    ]);
    assert_eq!(
        files(&bench),
        [
            ".gitignore",
            "doc/sub/b.pdf",
            "keep.o",
            "local",
            "src/b.c",
            "src/build/y",
            "src/tmp2",
            "sub/.gitignore",
            "sub/c.o"
        ]
    );
}

#[test]
fn weftignore_has_the_last_word_in_its_folder() {
    let bench = Bench::with_files(&[
        (".gitignore", "*.log\n"),
        (".weftignore", "!wanted.log\n*.iso\n"),
        ("wanted.log", ""),
        ("other.log", ""),
        ("big.iso", ""),
    ]);
    assert_eq!(files(&bench), [".gitignore", ".weftignore", "wanted.log"]);
}

#[test]
fn nothing_in_an_ignored_folder_can_be_brought_back_from_inside() {
    let bench = Bench::with_files(&[(".gitignore", "out/\n"), ("out/.gitignore", "!*\n"), ("out/x", "")]);
    assert_eq!(files(&bench), [".gitignore"]);
}

#[test]
fn secrets_stay_home_whatever_a_shared_rule_says() {
    let secrets = [
        ".env",
        ".env.local",
        "sub/.ENV",
        "server.pem",
        "id_rsa",
        "id_ed25519",
        "x.key",
        "deploy.p12",
        ".ssh/config",
        ".git-credentials",
        "passwords.kdbx",
        ".netrc",
    ];
    let mut bench = Bench::new();
    bench.save(".gitignore", "!.env\n!.env.*\n!*.pem\n!id_rsa\n!*.key\n!.ssh/\n");
    bench.save(".weftignore", "!.env\n!*\n");
    for path in secrets {
        bench.save(path, "hush");
    }
    for path in ["id_rsa.pub", ".env.example", "key.rs", "environment"] {
        bench.save(path, "public");
    }
    bench.age();
    let (_, batch) = bench.try_scan().unwrap();
    assert_eq!(
        files(&bench),
        [".env.example", ".gitignore", ".weftignore", "environment", "id_rsa.pub", "key.rs"]
    );
    assert_eq!(batch.skipped.secret_count, secrets.len());
    assert!(batch.skipped.secrets.contains(&Bench::path(".env")));
    assert_eq!(bench.mirror.verdict(&Bench::path(".env"), Kind::File), Verdict::Secret);
}

#[test]
fn a_secret_is_shared_when_its_owner_asks_for_it() {
    let rules = LocalRules { share: vec!["config/.env".into()], ignore: vec!["*.psd".into()] };
    let mut bench = Bench::with_rules(&rules);
    bench.save(".gitignore", ".env\n");
    bench.save("config/.env", "x");
    bench.save(".env", "x");
    bench.save("a.psd", "x");
    bench.age();
    bench.scan();
    assert_eq!(files(&bench), [".gitignore", "config/.env"]);
}

#[test]
fn a_peer_cannot_expose_a_secret_later() {
    let mut bench = Bench::with_files(&[(".gitignore", ".env\n"), (".env", "hush"), ("a", "x")]).watch();
    assert!(matches!(bench.write(".gitignore", "!.env\n"), WriteOutcome::Done));
    assert_eq!(bench.settle(), [""; 0]);
    assert_eq!(files(&bench), [".gitignore", "a"]);
}

#[test]
fn an_ignored_file_that_counts_again_appears() {
    let mut bench =
        Bench::with_files(&[(".gitignore", "*.dat\nout/\n"), ("a.dat", "x\n"), ("out/b", "y\n")]).watch();
    bench.save(".gitignore", "# nothing\n");
    let mut words = bench.settle();
    words.sort();
    assert_eq!(words, ["created a.dat", "created out/", "created out/b", "modified .gitignore"]);
    bench.save("out/b", "y, edited\n");
    assert_eq!(bench.settle(), ["modified out/b"], "the folder is watched now");
}

#[test]
fn a_file_that_becomes_ignored_stays_with_the_peers() {
    let mut bench = Bench::with_files(&[("a.log", "x\n"), ("d/b.log", "y\n"), ("k", "z\n")]).watch();
    bench.save(".gitignore", "*.log\n");
    assert_eq!(bench.settle(), ["created .gitignore"]);
    bench.save("a.log", "edited\n");
    fs::remove_file(bench.at("d/b.log")).unwrap();
    assert_eq!(bench.settle(), [""; 0], "neither the edit nor the deletion goes out");
    assert_eq!(bench.scan(), [""; 0]);
    // When it counts again the edit goes out, and what is gone comes back from the peers.
    fs::remove_file(bench.at(".gitignore")).unwrap();
    bench.age();
    let (words, batch) = bench.try_scan().unwrap();
    assert_eq!(words, ["modified a.log", "removed .gitignore"]);
    assert_eq!(batch.forgotten, [Bench::path("d/b.log")]);
}

#[test]
fn a_folder_of_nothing_but_ignored_files_is_private() {
    let mut bench =
        Bench::with_files(&[(".gitignore", "node_modules/\n*.o\n"), ("p/node_modules/x", ""), ("q/a.o", "")]);
    assert_eq!(bench.rows(), [".gitignore"]);
    fs::create_dir(bench.at("empty")).unwrap();
    assert_eq!(bench.scan(), ["created empty/"]);
}

#[test]
fn working_files_of_editors_do_not_travel() {
    let mut bench = Bench::with_files(&[("a", "x")]);
    for name in [".a.swp", ".a.swo", "#a#", ".~lock.a#", ".goutputstream-ABC"] {
        bench.save(name, "y");
    }
    std::os::unix::fs::symlink("user@host.1", bench.at(".#a")).unwrap();
    bench.age();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn an_ignored_folder_is_not_watched() {
    let mut bench = Bench::with_files(&[(".gitignore", "target/\n"), ("a", "x")]).watch();
    for number in 0..20 {
        bench.save(&format!("target/debug/f{number}"), "y");
    }
    bench.settle();
    for number in 0..20 {
        bench.save(&format!("target/debug/f{number}"), "z");
    }
    let (_, receiver) = bench.watcher.as_ref().unwrap();
    let events: Vec<_> = receiver.recv_timeout(Duration::from_millis(100)).into_iter().collect();
    assert!(events.is_empty(), "{events:?}");
}
