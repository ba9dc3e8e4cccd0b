import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/**
 * The desk: `dist/desk/index.html` and hashed files under `/assets/`, which never change and may be cached
 * for good. No inline script, style or data address: the content policy allows none.
 */
export default defineConfig({
  root: fileURLToPath(new URL('../src/web/desk', import.meta.url)),
  base: '/',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('../dist/desk', import.meta.url)),
    emptyOutDir: true,
    manifest: 'manifest.json',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ['chrome109', 'firefox115', 'safari16.4'],
  },
})
