// <check-heads> compares two signed heads in this browser: each signed by the log's key, and the second goes on from the first.

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
      const { able } = await import('../proof/eddsa.js');
      const { extends_ } = await import('../proof/merkle.js');
      const { openCheckpoint, readVkey } = await import('../proof/note.js');
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
