import { useState } from 'react'
import { Button, Tab, TabList, TabPanel, Tabs } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import { LoadingPage, MissingPage, Trouble } from '../fallback-pages.tsx'
import { usePeople } from '../queries.ts'
import { useSession } from '../session.ts'
import { InviteContributor } from './invite-contributor.tsx'
import { InviteStaff } from './invite-staff.tsx'
import { PeopleTable } from './people-table.tsx'
import '../styles/admin.css'

/** Who may come in: contributors by their aliases, colleagues by their names. */
export function PeoplePage(): React.JSX.Element {
  const { t } = useTranslation()
  const { role } = useSession()
  const people = usePeople(role === 'admin')
  const [inviting, setInviting] = useState<'contributor' | 'staff'>()
  if (role !== 'admin') return <MissingPage />
  const contributors = people.data?.filter((person) => person.kind === 'contributor') ?? []
  const staff = people.data?.filter((person) => person.kind === 'staff') ?? []
  return (
    <section className="page">
      <div className="board-head">
        <h1>{t('nav.people')}</h1>
        <span className="row">
          <Button
            className="button primary"

            onPress={() => setInviting('contributor')}
          >
            {t('people.invite_contributor')}
          </Button>
          <Button className="button" onPress={() => setInviting('staff')}>
            {t('people.invite_staff')}
          </Button>
        </span>
      </div>
      {people.isPending ? <LoadingPage /> : null}
      {people.isError ? <Trouble error={people.error} onRetry={() => void people.refetch()} /> : null}
      {people.isSuccess ? (
        <Tabs>
          <TabList className="tabs" aria-label={t('nav.people')}>
            <Tab className="tab" id="contributors">
              {t('people.contributors', { count: contributors.length })}
            </Tab>
            <Tab className="tab" id="staff">
              {t('people.staff', { count: staff.length })}
            </Tab>
          </TabList>
          <TabPanel id="contributors">
            {contributors.length === 0 ? (
              <div className="empty">
                <h2>{t('empty.contributors')}</h2>
                <p>{t('empty.contributors_how')}</p>
              </div>
            ) : (
              <PeopleTable people={contributors} />
            )}
          </TabPanel>
          <TabPanel id="staff">
            <PeopleTable people={staff} />
          </TabPanel>
        </Tabs>
      ) : null}
      {inviting === 'contributor' ? <InviteContributor onClose={() => setInviting(undefined)} /> : null}
      {inviting === 'staff' ? <InviteStaff onClose={() => setInviting(undefined)} /> : null}
    </section>
  )
}
