//! The Merkle tree over the entries: RFC 6962 hashes, RFC 9162 proofs.
//! Node (level, n) covers the leaves n·2^level up to (n+1)·2^level; only such complete nodes are ever stored.

use super::digest::{Hash, sha256, sha256_of};

/// Hash of a leaf: SHA-256 of 0x00 and the entry's bytes.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256_of(&[&[0], entry])
}

/// Hash of an inner node: SHA-256 of 0x01 and its two children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256_of(&[&[1], left, right])
}

/// Root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    sha256(b"")
}

/// The right edge of a tree: enough to append to it and to know its root, at most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, largest first: one for each bit of `size`.
    edge: Vec<Hash>,
}

impl Frontier {
    /// The edge of the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. Gives the leaf and every parent that it completes: index k is the node at level k, and its number there
    /// is the leaf's index shifted right by k.
    pub fn push(&mut self, leaf: Hash) -> Vec<Hash> {
        let mut nodes = vec![leaf];
        let mut node = leaf;
        let mut remaining = self.size;
        while remaining & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            node = node_hash(&left, &node);
            nodes.push(node);
            remaining >>= 1;
        }
        self.edge.push(node);
        self.size += 1;
        nodes
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut edge = self.edge.iter().rev();
        let Some(smallest) = edge.next() else { return empty_root() };
        edge.fold(*smallest, |right, left| node_hash(left, &right))
    }

    /// Size as eight big-endian bytes, then the hashes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.size.to_be_bytes()[..], self.edge.as_flattened()].concat()
    }

    /// Reads what [`Frontier::to_bytes`] wrote; `None` if the number of hashes does not fit the size.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, hashes) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (edge, []) = hashes.as_chunks::<32>() else { return None };
        (edge.len() == usize::try_from(size.count_ones()).ok()?).then(|| Self { size, edge: edge.to_vec() })
    }
}

/// Root of the first `size` leaves, from stored complete nodes.
pub fn root_at<E>(size: u64, read: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    if size == 0 { Ok(empty_root()) } else { subtree(0, size, read) }
}

/// The path from leaf `index` to the root of the first `size` leaves, sibling first (RFC 9162 §2.1.3.1). An index outside the
/// tree has the empty path, which proves nothing.
pub fn inclusion_proof<E>(index: u64, size: u64, read: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    if index < size { path_to(index, index + 1, size, read) } else { Ok(Vec::new()) }
}

/// The nodes that show the first `old` leaves to be a prefix of the first `new` ones (RFC 9162 §2.1.4.1). Empty if `old` is 0,
/// or not smaller than `new`.
pub fn consistency_proof<E>(old: u64, new: u64, read: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    if old == 0 || old >= new {
        return Ok(Vec::new());
    }
    // The last complete subtree of the old tree. The verifier knows the old root, so only where that is more does it need this node.
    let last = old & (old - 1);
    let mut path = path_to(last, old, new, read)?;
    if last > 0 {
        path.insert(0, subtree(last, old, read)?);
    }
    Ok(path)
}

/// The siblings on the way from the complete subtree over `start..end` up to the root of `size` leaves.
fn path_to<E>(start: u64, end: u64, size: u64, read: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Vec<Hash>, E> {
    let mut path = Vec::new();
    let (mut from, mut to) = (0, size);
    while (from, to) != (start, end) {
        let middle = from + split(to - from);
        if start < middle {
            path.push(subtree(middle, to, read)?);
            to = middle;
        } else {
            path.push(subtree(from, middle, read)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Whether `proof` leads from `leaf` at `index` to the `root` of `size` leaves (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(index: u64, size: u64, leaf: &Hash, proof: &[Hash], root: &Hash) -> bool {
    index < size && climb(index, size - 1, [*leaf, *leaf], proof).is_some_and(|[_, hash]| hash == *root)
}

/// Whether `proof` shows the tree of `old` leaves to be a prefix of the tree of `new` leaves (RFC 9162 §2.1.4.2). From the
/// empty tree, and between equal trees, the proof is empty.
pub fn verify_consistency(old: u64, new: u64, proof: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old == 0 || old >= new {
        let (equal, from_empty) = (old == new && old_root == new_root, old == 0 && new > 0 && *old_root == empty_root());
        return proof.is_empty() && (equal || from_empty);
    }
    // The proof begins with the last complete subtree of the old tree, unless that is the whole old tree.
    let start = if old.is_power_of_two() { Some((old_root, proof)) } else { proof.split_first() };
    let Some((first, path)) = start else { return false };
    let below = (old - 1).trailing_ones();
    climb((old - 1) >> below, (new - 1) >> below, [*first, *first], path).is_some_and(|roots| roots == [*old_root, *new_root])
}

/// Climbs from node number `node` of its level, whose last is `last`, to the root along `path`. Gives the root of everything
/// up to and with the node, and the root of all; `None` if the path has the wrong length.
fn climb(mut node: u64, mut last: u64, [mut left_part, mut whole]: [Hash; 2], path: &[Hash]) -> Option<[Hash; 2]> {
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            left_part = node_hash(sibling, &left_part);
            whole = node_hash(sibling, &whole);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            whole = node_hash(&whole, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some([left_part, whole])
}

/// The largest power of two smaller than `n`, for n > 1.
fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}

/// Hash over the leaves `from..to`, where `from` is a multiple of the largest power of two in the range.
fn subtree<E>(from: u64, to: u64, read: &mut impl FnMut(u32, u64) -> Result<Hash, E>) -> Result<Hash, E> {
    let count = to - from;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return read(level, from >> level);
    }
    let middle = from + split(count);
    let left = subtree(from, middle, read)?;
    Ok(node_hash(&left, &subtree(middle, to, read)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::convert::Infallible;

    /// The definition of RFC 9162 §2.1.1, word for word.
    fn reference_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(usize::try_from(split(leaves.len() as u64)).unwrap());
                node_hash(&reference_root(left), &reference_root(right))
            }
        }
    }

    #[test]
    fn every_proof_of_every_small_tree_verifies_and_no_other() {
        const MOST: u64 = 40;
        let leaves: Vec<Hash> = (0..MOST).map(|n| leaf_hash(n.to_string().as_bytes())).collect();
        let (mut frontier, mut nodes) = (Frontier::new(), HashMap::new());
        let at = |n: u64| usize::try_from(n).unwrap();
        for (index, leaf) in (0u64..).zip(&leaves) {
            for (level, node) in (0u32..).zip(frontier.push(*leaf)) {
                nodes.insert((level, index >> level), node);
            }
            assert_eq!(frontier.root(), reference_root(&leaves[..=at(index)]));
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Some(frontier.clone()));
        }
        let root = |size: u64| reference_root(&leaves[..at(size)]);
        let mut read = |level, n| Ok::<_, Infallible>(nodes[&(level, n)]);
        for size in 0..=MOST {
            assert_eq!(root_at(size, &mut read).unwrap(), root(size));
            for index in 0..size {
                let proof = inclusion_proof(index, size, &mut read).unwrap();
                assert!(verify_inclusion(index, size, &leaves[at(index)], &proof, &root(size)));
                assert!(!verify_inclusion(index ^ 1, size, &leaves[at(index)], &proof, &root(size)));
                if let Some((_, short)) = proof.split_last() {
                    assert!(!verify_inclusion(index, size, &leaves[at(index)], short, &root(size)));
                }
            }
            for old in 0..=size {
                let proof = consistency_proof(old, size, &mut read).unwrap();
                assert!(verify_consistency(old, size, &proof, &root(old), &root(size)), "{old} {size}");
                if old > 1 && old < size {
                    assert!(!verify_consistency(old - 1, size, &proof, &root(old), &root(size)));
                    assert!(!verify_consistency(old, size, &proof, &root(old - 1), &root(size)));
                }
            }
        }
        assert_eq!(inclusion_proof(7, 7, &mut read).unwrap(), Vec::<Hash>::new());
    }

    #[test]
    fn a_frontier_with_the_wrong_number_of_hashes_is_refused() {
        let mut frontier = Frontier::new();
        frontier.push([1; 32]);
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(&bytes[..39]), None);
        assert_eq!(Frontier::from_bytes(&bytes[..8]), None);
        assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0; 32]].concat()), None);
    }
}
