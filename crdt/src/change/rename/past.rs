//! Which of some changes build upon which, for changes in causal order that are numbered from 0 on.

use smallvec::SmallVec;

/// What is known of one change.
#[derive(Debug, Clone)]
struct Node {
    before: SmallVec<[usize; 2]>,
    /// A number shared by changes of which each directly builds upon the one before.
    chain: usize,
    /// The search that has reached the change last.
    reached_by: Option<usize>,
}

/// The changes and what they directly build upon.
///
/// Most questions are about the chain that the asking change continues, and take a look. The others take one walk back
/// for each change that asks: linear in what is given, and no table of everybody's past that an author could blow up.
#[derive(Debug, Clone, Default)]
pub(super) struct Pasts {
    nodes: Vec<Node>,
    /// By chain its last change.
    tips: Vec<usize>,
    /// The change whose past was walked last.
    walked: Option<usize>,
}

impl Pasts {
    /// Adds the next change, which directly builds upon `before`.
    pub(super) fn push(&mut self, before: &[usize]) {
        let number = self.nodes.len();
        let continued = before.iter().find(|place| self.tips[self.nodes[**place].chain] == **place);
        let chain = match continued {
            Some(place) => self.nodes[*place].chain,
            None => {
                self.tips.push(number);
                self.tips.len() - 1
            }
        };
        self.tips[chain] = number;
        self.nodes.push(Node { before: before.into(), chain, reached_by: None });
    }

    /// Tells whether the change `asked` is in the past of the next one, which directly builds upon `before`.
    pub(super) fn holds(&mut self, before: &[usize], asked: usize) -> bool {
        let number = self.nodes.len();
        let Some(chain) = self.nodes.get(asked).map(|node| node.chain) else {
            return false;
        };
        if before.iter().any(|place| *place >= asked && self.nodes[*place].chain == chain) {
            return true;
        }
        if self.walked != Some(number) {
            self.walk(before, number);
        }
        self.nodes[asked].reached_by == Some(number)
    }

    fn walk(&mut self, before: &[usize], number: usize) {
        self.walked = Some(number);
        let mut open = before.to_vec();
        while let Some(place) = open.pop() {
            let node = &mut self.nodes[place];
            if node.reached_by.replace(number) != Some(number) {
                open.extend_from_slice(&node.before);
            }
        }
    }
}
