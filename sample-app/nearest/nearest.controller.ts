import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NearbyCity } from './nearby-city.js';
import { NearestQuery } from './nearest.query.js';
import { NearestService } from './nearest.service.js';

@ApiTags('nearest')
@Controller('nearest')
export class NearestController {
  constructor(private readonly nearest: NearestService) {}

  @Get()
  @ApiOperation({ summary: 'The cities nearest to a point' })
  @ApiOkResponse({ type: [NearbyCity] })
  @ApiBadRequestResponse()
  find(@Query() query: NearestQuery): Promise<NearbyCity[]> {
    return this.nearest.find(query);
  }
}
