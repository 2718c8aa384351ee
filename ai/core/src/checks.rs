//! What is looked at in a model's text before a person sees it as a proposal.

/// What a secret looks like: how it begins, and how many letters of its kind follow at least.
const SECRETS: [(&str, usize, &str); 8] = [
    ("-----BEGIN ", 10, "a private key"),
    ("AKIA", 16, "an access key of AWS"),
    ("ghp_", 36, "a token of GitHub"),
    ("github_pat_", 40, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("sk-ant-", 32, "a key of Anthropic"),
    ("sk-proj-", 32, "a key of OpenAI"),
    ("xoxb-", 24, "a token of Slack"),
];

/// Names what in `new` looks like a secret that `old` does not have: a model may repeat what it was taught with.
#[must_use]
pub fn secrets(old: &str, new: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (beginning, letters, what) in SECRETS {
        for (at, _) in new.match_indices(beginning) {
            let rest = &new[at + beginning.len()..];
            let is_key = beginning.starts_with('-');
            let is_letter = |letter: &char| {
                letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-') || is_key && *letter == ' '
            };
            let length = rest.chars().take_while(is_letter).count();
            let is_private = !is_key || rest[..length.min(rest.len())].contains("PRIVATE KEY");
            let whole = &new[at..at + beginning.len() + length];
            if length >= letters && is_private && !old.contains(whole) && !found.contains(&what) {
                found.push(what);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_were_not_there_before_are_named() {
        let token = format!("let t = \"ghp_{}\";", "a1".repeat(18));
        assert_eq!(secrets("", &token), ["a token of GitHub"]);
        assert_eq!(secrets(&token, &token), [""; 0]);
        let key = ["-----BEGIN", " RSA PRIVATE", " KEY-----\nMII"].concat();
        assert_eq!(secrets("", &key), ["a private key"]);
        assert_eq!(secrets("", "-----BEGIN PUBLIC KEY-----"), [""; 0]);
        assert_eq!(secrets("", &format!("AKIA{}", "A7".repeat(8))), ["an access key of AWS"]);
        assert_eq!(secrets("", "AKIA is a prefix, ghp_ too, sk-ant-x"), [""; 0]);
        assert_eq!(secrets("", &format!("ghp_{}ä", "b".repeat(36))), ["a token of GitHub"]);
    }
}
