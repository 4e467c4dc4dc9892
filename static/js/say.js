// Sentences that scripts say, in the language of the page. The English one is its key; the others are gathered from templates/words by the server.
const language = globalThis.document?.documentElement.lang;
const words = language && language !== 'en' ? (await import(`./words/${language}.js`)).default : {};

/** The sentence in the reader's language, each `{}` filled in turn. */
export const say = (english, ...what) => what.reduce((text, one) => text.replace('{}', () => String(one)), words[english] ?? english);
