import { useState } from 'react'
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { Person } from '../../../contract/access.ts'
import { changePerson, revokePerson } from '../api.ts'
import { bytesWords, dayWords, numberWords } from '../format.ts'
import { keys, useAct } from '../queries.ts'
import { useSession } from '../session.ts'
import { ConfirmBox } from '../ui/dialog.tsx'
import { notify, useComplain } from '../ui/notices.tsx'
import { QuotaBox } from './quota-box.tsx'

type Asked = { readonly person: Person; readonly what: 'revoke' | 'quota' }

/** Contributors or colleagues in rows, with what can be done about each. */
export function PeopleTable({ people }: { readonly people: readonly Person[] }): React.JSX.Element {
  const { t } = useTranslation()
  const session = useSession()
  const complain = useComplain()
  const [asked, setAsked] = useState<Asked>()
  const change = useAct(
    ({ id, ...change }: { id: string; paused?: boolean; quotaBytes?: number }) => changePerson(id, change),
    [keys.people],
  )
  const revoke = useAct(revokePerson, [keys.people])
  const contributors = people[0]?.kind !== 'staff'

  return (
    <>
      <table className="people">
        <thead>
          <tr>
            <th scope="col">{contributors ? t('people.alias') : t('people.name')}</th>
            {contributors ? null : <th scope="col">{t('people.role')}</th>}
            <th scope="col">{t('people.state')}</th>
            <th scope="col">{t('people.last_seen')}</th>
            {contributors ? <th scope="col">{t('people.clips')}</th> : null}
            {contributors ? <th scope="col">{t('people.used')}</th> : null}
            <th scope="col">
              <span className="only-read">{t('people.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {people.map((person) => (
            <tr key={person.id}>
              <th scope="row">
                <bdi>{person.name}</bdi>
              </th>
              {contributors ? null : <td data-label={t('people.role')}>{t(`role.${person.role}`)}</td>}
              <td data-label={t('people.state')}>
                <span className={`chip person-${person.state}`}>{t(`person_state.${person.state}`)}</span>
              </td>
              <td data-label={t('people.last_seen')}>
                {person.lastSeenDay === null ? t('people.never_seen') : dayWords(person.lastSeenDay)}
              </td>
              {contributors ? <td data-label={t('people.clips')}>{numberWords(person.clips)}</td> : null}
              {contributors ? (
                <td data-label={t('people.used')}>
                  <Quota person={person} />
                </td>
              ) : null}
              <td className="end">
                {person.state === 'revoked' || person.id === session.staffId ? null : (
                  <MenuTrigger>
                    <Button
                      className="button ghost small"
                      aria-label={t('people.actions_of', { name: person.name })}
                    >
                      <span aria-hidden="true">•••</span>
                    </Button>
                    <Popover className="popover" placement="bottom end">
                      <Menu
                        className="listbox"
                        onAction={(key) => {
                          if (key === 'pause')
                            change.mutate(
                              { id: person.id, paused: person.state !== 'paused' },
                              { onError: complain },
                            )
                          else if (key === 'quota' || key === 'revoke') setAsked({ person, what: key })
                        }}
                      >
                        {person.kind === 'contributor' ? (
                          <>
                            <MenuItem id="pause" className="option">
                              {person.state === 'paused' ? t('people.resume') : t('people.pause')}
                            </MenuItem>
                            <MenuItem id="quota" className="option">
                              {t('people.change_quota')}
                            </MenuItem>
                          </>
                        ) : null}
                        <MenuItem id="revoke" className="option danger-words">
                          {t('people.revoke')}
                        </MenuItem>
                      </Menu>
                    </Popover>
                  </MenuTrigger>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {asked?.what === 'revoke' ? (
        <ConfirmBox
          danger
          title={t('people.revoke_title', { name: asked.person.name })}
          confirm={t('people.revoke')}
          onConfirm={() =>
            revoke.mutate(asked.person.id, {
              onSuccess: () => notify(t('people.revoked', { name: asked.person.name })),
              onError: complain,
            })
          }
          onClose={() => setAsked(undefined)}
        >
          <p>
            {asked.person.kind === 'contributor' ? t('people.revoke_contributor') : t('people.revoke_staff')}
          </p>
        </ConfirmBox>
      ) : null}
      {asked?.what === 'quota' ? (
        <QuotaBox
          name={asked.person.name}
          bytes={asked.person.quotaBytes ?? 0}
          onSave={(quotaBytes) => change.mutate({ id: asked.person.id, quotaBytes }, { onError: complain })}
          onClose={() => setAsked(undefined)}
        />
      ) : null}
    </>
  )
}

function Quota({ person }: { readonly person: Person }): React.JSX.Element {
  const { t } = useTranslation()
  if (person.quotaBytes === null) return <>{bytesWords(person.usedBytes)}</>
  return (
    <span className="quota">
      <span>
        {t('people.used_of', { used: bytesWords(person.usedBytes), quota: bytesWords(person.quotaBytes) })}
      </span>
      <progress max={Math.max(1, person.quotaBytes)} value={person.usedBytes} aria-hidden="true" />
    </span>
  )
}
