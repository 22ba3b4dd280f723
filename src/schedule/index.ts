export {
  type CalendarData,
  type CalendarDay,
  type CalendarYear,
  createCalendar,
  type DayKind,
  type ProductionCalendar,
} from './calendar.ts';
export { evaluateSchedule, type OpenHour, openHours, type ScheduleReason, type ScheduleVerdict } from './evaluate.ts';
export { type Period, type PeriodUnit, periodAt, periodsOf } from './periods.ts';
export type { Schedule } from './schedule.ts';
export { calendarSchema, scheduleSchema } from './schema.ts';
export { instantOnWall, type LocalMoment, localMoment, type Weekday } from './wall-clock.ts';
