import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import { IsInt, IsLatitude, IsLongitude, Max, Min } from 'class-validator';

/**
 * A point and how many cities are wanted: the query string, and the cache's key too.
 *
 * Coordinates are rounded to a hundredth of a degree (1.1 km): two callers a street apart then share one key.
 */
export class NearestQuery {
  @ApiProperty({ description: 'degrees north', minimum: -90, maximum: 90, example: 52.52 })
  @Transform(({ value }) => hundredths(value))
  @IsLatitude()
  lat!: number;

  @ApiProperty({ description: 'degrees east', minimum: -180, maximum: 180, example: 13.4 })
  @Transform(({ value }) => hundredths(value))
  @IsLongitude()
  lon!: number;

  @ApiPropertyOptional({ minimum: 1, maximum: 50, default: 10 })
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(50)
  count: number = 10;
}

/** NaN, which the validators refuse, for what is no number; never -0, which as a key would not be 0. */
function hundredths(value: unknown): number {
  if (typeof value === 'string' && value.trim() === '') return NaN;
  return Math.round(Number(value) * 100) / 100 + 0;
}
