// The policy by its own name, for scripts that need nothing else of swap.js.
export { policy } from './swap.js';
