import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/**
 * The phone's page: one small script and one stylesheet, found by the server through
 * `dist/contribute/manifest.json` under the keys `main.ts` and `style.css`.
 *
 * Nothing is inlined, because the page's content policy allows only files of its own. es2019 is what the
 * Chrome of an Android phone that stopped being updated in 2019 reads; styles are lowered likewise.
 */
export default defineConfig({
  root: fileURLToPath(new URL('../src/web/contribute', import.meta.url)),
  base: '/assets/',
  publicDir: false,
  build: {
    outDir: fileURLToPath(new URL('../dist/contribute', import.meta.url)),
    emptyOutDir: true,
    manifest: 'manifest.json',
    assetsDir: '',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['es2019', 'chrome73', 'firefox68', 'safari12.1'],
    rolldownOptions: {
      input: ['main.ts', 'style.css'].map((file) =>
        fileURLToPath(new URL(`../src/web/contribute/${file}`, import.meta.url)),
      ),
    },
  },
})
