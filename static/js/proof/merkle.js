// The Merkle tree over the entries: RFC 6962 hashes, RFC 9162 proofs (src/proof/tree.rs). Hashes are 32 bytes, numbers are BigInt.
import { equal, sha256 } from './bytes.js';

export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

async function climb(node, last, leftPart, whole, path) {
  for (const sibling of path) {
    if (last === 0n) return null;
    if (node & 1n || node === last) {
      leftPart = await nodeHash(sibling, leftPart);
      whole = await nodeHash(sibling, whole);
      while (!(node & 1n) && node > 0n) { node >>= 1n; last >>= 1n; }
    } else {
      whole = await nodeHash(whole, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? [leftPart, whole] : null;
}

/** Whether `proof` leads from `leaf` at `index` to the `root` of `size` leaves. */
export async function includes(index, size, leaf, proof, root) {
  if (index >= size) return false;
  const roots = await climb(index, size - 1n, leaf, leaf, proof);
  return roots !== null && equal(roots[1], root);
}

/** Whether `proof` shows the tree of `old` leaves to be a prefix of the tree of `now` leaves. */
export async function extends_(old, now, proof, oldRoot, newRoot) {
  if (old === now) return proof.length === 0 && equal(oldRoot, newRoot);
  if (old === 0n) return proof.length === 0;
  if (old > now) return false;
  const whole = (old & (old - 1n)) === 0n;
  const [first, ...path] = whole ? [oldRoot, ...proof] : proof;
  if (!first) return false;
  let below = 0n;
  while ((old - 1n) >> below & 1n) below += 1n;
  const roots = await climb((old - 1n) >> below, (now - 1n) >> below, first, first, path);
  return roots !== null && equal(roots[0], oldRoot) && equal(roots[1], newRoot);
}
