import { useId } from 'react'
import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { useTranslation } from 'react-i18next'

type Props = {
  readonly title: string
  readonly onClose: () => void
  readonly children: React.ReactNode
  /** `alert` for a question that must be answered: a click beside it does not close it. */
  readonly kind?: 'plain' | 'alert'
  readonly wide?: boolean
}

/** A dialog that is open as long as it is rendered. */
export function DialogBox({
  title,
  onClose,
  children,
  kind = 'plain',
  wide = false,
}: Props): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <ModalOverlay
      className="overlay"
      isOpen
      isDismissable={kind === 'plain'}
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Modal className={wide ? 'modal wide' : 'modal'}>
        <Dialog className="dialog" role={kind === 'alert' ? 'alertdialog' : 'dialog'}>
          <header className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <Button className="button ghost icon" aria-label={t('action.close')} onPress={onClose}>
              <span aria-hidden="true">✕</span>
            </Button>
          </header>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}

type ConfirmProps = {
  readonly title: string
  readonly children: React.ReactNode
  readonly confirm: string
  readonly danger?: boolean
  /** What must be typed first; absent: nothing. */
  readonly onConfirm: () => void
  readonly onClose: () => void
}

/** Asks before something that cannot be taken back, and says what it will do. */
export function ConfirmBox(props: ConfirmProps): React.JSX.Element {
  const { t } = useTranslation()
  const effect = useId()
  return (
    <DialogBox title={props.title} onClose={props.onClose} kind="alert">
      <div id={effect} className="prose">
        {props.children}
      </div>
      <div className="dialog-foot">
        <Button className="button" onPress={props.onClose} autoFocus>
          {t('action.cancel')}
        </Button>
        <Button
          className={props.danger === true ? 'button danger' : 'button primary'}
          aria-describedby={effect}
          onPress={() => {
            props.onConfirm()
            props.onClose()
          }}
        >
          {props.confirm}
        </Button>
      </div>
    </DialogBox>
  )
}
