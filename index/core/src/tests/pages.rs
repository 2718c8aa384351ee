use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::page::{PageDamaged, PageLists, PagesBuilder, find, page_of};
use crate::{Extractor, Trigram};

type Model = BTreeMap<Trigram, BTreeSet<u32>>;

/// A segment of texts, and what it should say.
fn built(texts: &[Vec<u8>]) -> (crate::page::Pages, Model) {
    let (mut builder, mut model, mut extractor) =
        (PagesBuilder::default(), Model::new(), Extractor::default());
    for text in texts {
        let document = builder.add(extractor.extract(text));
        for three in text.windows(3).filter(|three| !three.contains(&b'\n')) {
            model.entry(Trigram::of([three[0], three[1], three[2]])).or_default().insert(document);
        }
    }
    (builder.finish(), model)
}

proptest! {
    #[test]
    fn lists_are_those_of_a_model(
        texts in prop::collection::vec(prop::collection::vec(prop::sample::select(b"abc\n\xff ".to_vec()), 0..60), 0..40),
    ) {
        let (pages, model) = built(&texts);
        let documents = texts.len() as u32;
        let mut all = Model::new();
        for page in &pages.pages {
            let mut lists = PageLists::new(page, documents);
            while let Some(trigram) = lists.next_trigram().unwrap() {
                all.insert(trigram, lists.list().unwrap().into_iter().collect());
            }
        }
        prop_assert_eq!(&all, &model);
        for (trigram, list) in &model {
            let page = &pages.pages[page_of(&pages.firsts, *trigram).unwrap()];
            let found: BTreeSet<u32> = find(page, *trigram, documents).unwrap().into_iter().collect();
            prop_assert_eq!(&found, list);
        }
    }

    #[test]
    fn damage_is_told_and_nothing_else_happens(bytes in prop::collection::vec(any::<u8>(), 0..200), documents in 0_u32..100) {
        for trigram in [0, 0x61_62_63, 0xff_ff_ff] {
            if let Ok(list) = find(&bytes, Trigram(trigram), documents) {
                prop_assert!(list.iter().all(|document| *document < documents));
            }
        }
    }
}

#[test]
fn many_documents_take_several_pages_and_bitmaps() {
    let noise = |seed: u32| {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let mut text: Vec<u8> = (0..400).map(|_| next()).collect();
        text.extend(b"in every one");
        text
    };
    let texts: Vec<Vec<u8>> = (0..300).map(noise).collect();
    let (pages, model) = built(&texts);
    assert!(pages.pages.len() > 10, "{}", pages.pages.len());
    for (trigram, list) in &model {
        let page = &pages.pages[page_of(&pages.firsts, *trigram).unwrap()];
        assert_eq!(find(page, *trigram, 300).unwrap(), list.iter().copied().collect::<Vec<_>>());
    }
    let everywhere =
        find(&pages.pages[page_of(&pages.firsts, Trigram::of(*b"ver")).unwrap()], Trigram::of(*b"ver"), 300);
    assert_eq!(everywhere.unwrap().len(), 300);
    assert_eq!(page_of(&pages.firsts, Trigram(0)), None);
    assert_eq!(find(&[0x80], Trigram(0), 1), Err(PageDamaged));
}
