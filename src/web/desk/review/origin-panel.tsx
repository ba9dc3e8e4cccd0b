import { useState } from 'react'
import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'
import type { TFunction } from 'i18next'
import type { ClipDetail } from '../../../contract/clips.ts'
import { media } from '../api.ts'
import { bytesWords, dayWords, numberWords } from '../format.ts'
import en from '../locales/en.json'
import { useSession } from '../session.ts'
import { ConfirmBox } from '../ui/dialog.tsx'

function isKnownClass(name: string): name is keyof typeof en.removed {
  return Object.hasOwn(en.removed, name)
}

/** A class of removed data in words; a class without words of its own is shown by its name. */
function removedWords(t: TFunction, name: string): string {
  return isKnownClass(name) ? t(`removed.${name}`) : name.replaceAll('_', ' ')
}

/** Where the picture comes from and what was taken out of it; the way to the master. */
export function OriginPanel({ clip }: { readonly clip: ClipDetail }): React.JSX.Element {
  const { t } = useTranslation()
  const { role } = useSession()
  const certificate = clip.certificate
  const removed =
    certificate === null ? [] : Object.entries(certificate.removed).filter(([, count]) => count > 0)
  return (
    <div className="stack">
      <dl className="facts">
        <dt>{t('origin.received')}</dt>
        <dd>{dayWords(clip.receivedDay)}</dd>
        <dt>{t('origin.size')}</dt>
        <dd>{bytesWords(clip.originalBytes)}</dd>
        {role === 'translator' ? null : (
          <>
            <dt>{t('origin.alias')}</dt>
            <dd>
              <bdi>{clip.alias}</bdi>
            </dd>
          </>
        )}
        {clip.media?.video === undefined ? null : (
          <>
            <dt>{t('origin.picture')}</dt>
            <dd>
              <bdi dir="ltr">
                {clip.media.video.codec} {clip.media.video.width}×{clip.media.video.height}
              </bdi>
              {clip.media.video.variableFrameRate ? (
                <span className="hint block">{t('origin.vfr')}</span>
              ) : null}
            </dd>
          </>
        )}
        {clip.media?.audio === undefined ? null : (
          <>
            <dt>{t('origin.sound')}</dt>
            <dd>
              <bdi dir="ltr">
                {clip.media.audio.codec} {numberWords(clip.media.audio.sampleRate / 1000)} kHz
              </bdi>{' '}
              {t('origin.channels', { count: clip.media.audio.channels })}
            </dd>
          </>
        )}
      </dl>
      <h2>{t('origin.certificate')}</h2>
      {certificate === null ? (
        <p className="hint">{t('origin.no_certificate')}</p>
      ) : (
        <>
          <p>{t(`origin.tier.${certificate.tier}`)}</p>
          {removed.length === 0 ? <p>{t('origin.nothing_removed')}</p> : null}
          {removed.length > 0 ? (
            <>
              <p>{t('origin.removed')}</p>
              <ul className="removed">
                {removed.map(([name, count]) => (
                  <li key={name}>
                    <span>{removedWords(t, name)}</span>
                    <span className="badge">{numberWords(count)}</span>
                  </li>
                ))}
              </ul>
            </>
          ) : null}
          <p>{t('origin.proven', { count: certificate.proven.length })}</p>
          <details>
            <summary>{t('origin.how')}</summary>
            <ul className="plain-list" dir="ltr">
              {certificate.proven.map((check) => (
                <li key={check}>{check.replaceAll('_', ' ')}</li>
              ))}
            </ul>
            <p className="hint" dir="ltr">
              {Object.entries(certificate.tools)
                .map(([tool, version]) => `${tool} ${version}`)
                .join(' · ')}
            </p>
          </details>
          <dl className="facts">
            <dt>{t('origin.original_digest')}</dt>
            <dd>
              <code className="break" dir="ltr">
                {certificate.originalSha256}
              </code>
            </dd>
            <dt>{t('origin.master_digest')}</dt>
            <dd>
              <code className="break" dir="ltr">
                {certificate.masterSha256}
              </code>
            </dd>
          </dl>
        </>
      )}
      {role === 'translator' ? null : <MasterDownload clip={clip} />}
    </div>
  )
}

function MasterDownload({ clip }: { readonly clip: ClipDetail }): React.JSX.Element {
  const { t } = useTranslation()
  const [asking, setAsking] = useState(false)
  const fetchMaster = (): void => {
    const link = document.createElement('a')
    link.href = media.master(clip.id)
    link.download = ''
    link.click()
  }
  return (
    <div className="stack tight">
      <h2>{t('master.title')}</h2>
      {clip.mayDownloadMaster ? null : (
        <p className="hint">
          {clip.release === 'cleared' ? t('master.not_ready') : t(`master.why_not.${clip.release}`)}
        </p>
      )}
      <Button className="button" isDisabled={!clip.mayDownloadMaster} onPress={() => setAsking(true)}>
        {t('master.download')}
      </Button>
      {asking ? (
        <ConfirmBox
          title={t('master.confirm_title')}
          confirm={t('master.confirm')}
          onConfirm={fetchMaster}
          onClose={() => setAsking(false)}
        >
          <p>{clip.certificate?.tier === 'A' ? t('master.warning_encoded') : t('master.warning')}</p>
          <p>{t('master.logged')}</p>
        </ConfirmBox>
      ) : null}
    </div>
  )
}
