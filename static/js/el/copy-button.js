// <copy-button value="…"> offers to copy a digest or an address; without this script there is no button, and the text can be selected.
import { announce } from '../swap.js';

class CopyButton extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard || this.firstElementChild) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'quiet';
    button.textContent = this.getAttribute('label') ?? 'Copy';
    const done = this.getAttribute('done') ?? 'Copied';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(this.getAttribute('value') ?? '');
      announce(done);
      button.textContent = done;
    });
    this.append(button);
  }
}

customElements.define('copy-button', CopyButton);
