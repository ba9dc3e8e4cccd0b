import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useState } from 'react'
import { I18nProvider } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { currentLanguage } from './i18n.ts'
import { createQueryClient } from './queries.ts'
import { createDeskRouter } from './router.tsx'

/** The whole desk. */
export function App(): React.JSX.Element {
  useTranslation()
  const [client] = useState(createQueryClient)
  const [router] = useState(createDeskRouter)
  return (
    <I18nProvider locale={currentLanguage()}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nProvider>
  )
}
