// <drop-reports> around the form of the bench: files are dropped or chosen, each is sent by itself with its progress, its digest is taken here and compared
// with the one under which the service stored it, and what the service made of it takes the place of the bar. Without it the form sends all at once.
import { announce, parse } from '../app.js';

// Fetched with the first file.
let say;

const hex = (digest) => [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const megabytes = (bytes) => (bytes / 1e6).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** The SHA-256 of a file, where the browser takes it: not on pages in the clear. */
async function digest_of(file) {
  if (!globalThis.crypto?.subtle) return null;
  return hex(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
}

function line(kind, words) {
  const made = document.createElement(kind);
  made.textContent = words;
  return made;
}

class DropReports extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector('form');
    this.list = this.querySelector('.sent');
    this.input = this.querySelector('input[type="file"]');
    this.waiting = [];
    this.sending = false;
    this.form.addEventListener('submit', (event) => { event.preventDefault(); this.take(this.input.files); });
    this.input.addEventListener('change', () => this.take(this.input.files));
    this.form.querySelector('button').hidden = true;
    for (const name of ['dragenter', 'dragover']) {
      this.form.addEventListener(name, (event) => { event.preventDefault(); this.form.classList.add('over'); });
    }
    for (const name of ['dragleave', 'drop']) this.form.addEventListener(name, () => this.form.classList.remove('over'));
    this.form.addEventListener('drop', (event) => { event.preventDefault(); this.take(event.dataTransfer.files); });
    addEventListener('beforeunload', (event) => { if (this.sending) event.preventDefault(); });
  }

  async take(files) {
    // A drop's files are gone once its event is.
    const chosen = [...files];
    ({ say } = await import('../say.js'));
    for (const file of chosen) {
      const item = document.createElement('li');
      item.className = 'card received';
      const heading = line('h3', file.name);
      heading.className = 'break';
      const progress = document.createElement('progress');
      progress.max = Math.max(file.size, 1);
      progress.value = 0;
      progress.setAttribute('aria-label', file.name);
      const said = line('p', `${megabytes(file.size)} MB · ${say('waits')}`);
      said.className = 'hint';
      item.append(heading, progress, said);
      this.list.append(item);
      if (file.size > Number(this.dataset.most)) this.fail(item, file, say('The file is larger than 25 MB. Send what it says of each medium by itself.'), false);
      else this.waiting.push({ file, item, progress, said });
    }
    this.input.value = '';
    this.work();
  }

  async work() {
    if (this.sending) return;
    this.sending = true;
    let done = 0;
    while (this.waiting.length) {
      const one = this.waiting.shift();
      try {
        await this.send(one);
        done += 1;
      } catch (error) {
        this.fail(one.item, one.file, error.message, true);
      }
    }
    this.sending = false;
    if (done) announce(say('Files stored: {}', done));
  }

  async send({ file, item, progress, said }) {
    const own = digest_of(file);
    const body = new FormData();
    body.append('file', file, file.name);
    const request = new XMLHttpRequest();
    const answered = new Promise((resolve, reject) => {
      request.upload.addEventListener('progress', (event) => {
        progress.max = event.total;
        progress.value = event.loaded;
        said.textContent = `${megabytes(file.size)} MB · ${Math.floor((event.loaded / event.total) * 100)} %`;
      });
      request.upload.addEventListener('load', () => { said.textContent = say('Received; it is being stored and read.'); });
      request.addEventListener('load', () => resolve());
      for (const name of ['error', 'abort', 'timeout']) {
        request.addEventListener(name, () => reject(new Error(say('The service cannot be reached. Nothing is lost: send the file again.'))));
      }
    });
    request.open('POST', this.form.action);
    request.setRequestHeader('Accept', 'text/html');
    request.send(body);
    // What is wrong with reading the file here is no reason not to send it.
    const [, digest] = await Promise.all([answered, own.catch(() => null)]);
    const page = parse(request.responseText);
    const result = page.querySelector('.received');
    if (!result) throw new Error(page.querySelector('#content .lead')?.textContent || say('The service cannot be reached. Nothing is lost: send the file again.'));
    const stored = result.dataset.sha256;
    const fresh = document.adoptNode(result);
    if (stored) {
      const same = digest === null || digest === stored;
      const check = line('p', same ? `✔ ${digest ? say('The digest that this browser took is the same.') : say('This browser takes no digest on a page in the clear.')}`
        : `■ ${say('What was stored is not what was sent. Send the file again, and tell the operator of the service.')}`);
      check.className = same ? 'hint compared' : 'notice bad compared';
      fresh.querySelector('.states')?.after(check);
    }
    item.replaceWith(fresh);
  }

  fail(item, file, why, again) {
    const told = document.createElement('p');
    told.className = 'notice bad';
    told.setAttribute('role', 'alert');
    told.append(line('strong', `■ ${say('Not sent.')}`), ` ${why} `);
    if (again) {
      const button = line('button', document.body.dataset.retry ?? '');
      button.type = 'button';
      button.className = 'quiet';
      button.addEventListener('click', () => { item.remove(); this.take([file]); });
      told.append(button);
    }
    item.querySelector('progress')?.remove();
    item.querySelector('.hint')?.replaceWith(told);
  }
}

customElements.define('drop-reports', DropReports);
