import { Button } from 'react-aria-components'
import { useTranslation } from 'react-i18next'

/** Lies over a picture that is marked as graphic until somebody decides to look. */
export function Veil({ onShow }: { readonly onShow: () => void }): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <div className="veil">
      <p>{t('review.graphic')}</p>
      <Button className="button" onPress={onShow}>
        {t('review.show_graphic')}
      </Button>
    </div>
  )
}
