// <check-heads> compares two signed heads in this browser: each signed by the log's key, and the second goes on from the first.
import { able } from '../proof/eddsa.js';
import { extends_ } from '../proof/merkle.js';
import { openCheckpoint, readVkey } from '../proof/note.js';

const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

class CheckHeads extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector('button');
    if (!button) return;
    button.hidden = false;
    button.addEventListener('click', () => this.check());
  }

  async check() {
    const said = this.querySelector('[role="status"]');
    const answer = (name, more = '') => { said.textContent = `${this.dataset[name] ?? ''} ${more}`.trim(); };
    try {
      if (!globalThis.crypto?.subtle || !await able()) { answer('unable'); return; }
      const log = await readVkey(await (await fetch(this.dataset.key)).text());
      const [old, now] = [await openCheckpoint(this.dataset.old, log), await openCheckpoint(this.dataset.new, log)];
      const path = this.dataset.path.split(' ').filter(Boolean).map(bytes);
      answer(await extends_(old.size, now.size, path, old.root, now.root) ? 'good' : 'bad');
    } catch (error) {
      answer('bad', error.message);
    }
  }
}

customElements.define('check-heads', CheckHeads);
