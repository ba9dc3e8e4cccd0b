import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { startLanguages } from './i18n.ts'
import './styles/base.css'
import './styles/controls.css'
import './styles/shell.css'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')
await startLanguages()
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
