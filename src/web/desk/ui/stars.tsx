import { useTranslation } from 'react-i18next'

const FIVE = [1, 2, 3, 4, 5] as const

/** A rating to read. */
export function Stars({ rating }: { readonly rating: number }): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <span
      className="stars"
      role="img"
      aria-label={rating === 0 ? t('rating.none') : t('rating.of_five', { rating })}
    >
      {FIVE.map((star) => (
        <span key={star} className={star <= rating ? 'star on' : 'star'} aria-hidden="true">
          {star <= rating ? '★' : '☆'}
        </span>
      ))}
    </span>
  )
}

/** A rating to change; pressing the present one takes it away. */
export function RateStars(props: {
  readonly rating: number
  readonly onRate: (rating: number) => void
}): React.JSX.Element {
  const { t } = useTranslation()
  return (
    <div className="stars" role="group" aria-label={t('rating.title')}>
      {FIVE.map((star) => (
        <button
          key={star}
          type="button"
          className={star <= props.rating ? 'star on' : 'star'}
          aria-pressed={star === props.rating}
          aria-label={t('rating.of_five', { rating: star })}
          onClick={() => props.onRate(star === props.rating ? 0 : star)}
        >
          <span aria-hidden="true">{star <= props.rating ? '★' : '☆'}</span>
        </button>
      ))}
    </div>
  )
}
