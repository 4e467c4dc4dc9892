// <job-progress> around a job's part of its page looks again while the job runs; without this script a link does.
import { announce, swap } from '../swap.js';

const PAUSE = 2_000;

class JobProgress extends HTMLElement {
  connectedCallback() { this.wait(); }
  disconnectedCallback() { clearTimeout(this.timer); }
  running() { return this.querySelector('#job')?.dataset.running === 'true'; }
  wait() {
    if (this.running()) this.timer = setTimeout(() => this.look(), PAUSE);
  }
  async look() {
    if (!await swap('job', location.href)) return;
    if (!this.running()) announce(this.querySelector('.lead')?.textContent ?? '');
    this.wait();
  }
}

customElements.define('job-progress', JobProgress);
